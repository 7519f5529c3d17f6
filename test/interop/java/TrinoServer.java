import io.trino.server.Server;

/** Trino's server. What starts it is no package of its own. */
class TrinoServer {
  public static void main(String[] arguments) {
    new Server().start(arguments[0]);
  }
}

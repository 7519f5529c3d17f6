import io.trino.sql.parser.ParsingException;
import io.trino.sql.parser.SqlParser;

/** Parses each argument as a statement of Trino's SQL; fails with the first that is none. */
class TrinoSyntax {
  public static void main(String[] statements) {
    SqlParser parser = new SqlParser();
    for (String statement : statements) {
      try {
        parser.createStatement(statement);
      } catch (ParsingException error) {
        System.err.println(error.getMessage() + "\n" + statement);
        System.exit(1);
      }
    }
  }
}

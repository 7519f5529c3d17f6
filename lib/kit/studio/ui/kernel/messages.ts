/** Jupyter's messages (jupyter-client.readthedocs.io/en/stable/messaging.html), as far as the studio uses them. */
export interface Message {
  readonly channel: "shell" | "iopub" | "control" | "stdin";
  readonly header: {
    readonly msg_id: string;
    readonly msg_type: string;
    readonly session: string;
    readonly username: string;
    readonly version: "5.3";
    readonly date: string;
  };
  readonly parent_header: { readonly msg_id?: string };
  readonly metadata: Readonly<Record<string, unknown>>;
  readonly content: Readonly<Record<string, unknown>>;
  readonly buffers: readonly never[];
}

export function executeRequest(session: string, code: string, cellId: string): Message {
  return {
    channel: "shell",
    header: {
      msg_id: crypto.randomUUID(),
      msg_type: "execute_request",
      session,
      username: "studio",
      version: "5.3",
      date: new Date().toISOString(),
    },
    parent_header: {},
    metadata: { cellId },
    content: {
      code,
      silent: false,
      store_history: true,
      user_expressions: {},
      allow_stdin: false,
      stop_on_error: true,
    },
    buffers: [],
  };
}

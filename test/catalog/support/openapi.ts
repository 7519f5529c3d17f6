import { readFileSync } from "node:fs";
import { Ajv2020, type ValidateFunction } from "ajv/dist/2020.js";
import formats from "ajv-formats";
import { parse } from "yaml";

interface Described {
  readonly $ref?: string;
  readonly content?: { readonly "application/json"?: { readonly schema: unknown } };
}

interface Specification {
  readonly paths: Readonly<
    Record<
      string,
      Readonly<
        Record<
          string,
          { readonly operationId: string; readonly responses: Readonly<Record<string, Described>> }
        >
      >
    >
  >;
  readonly components: {
    readonly responses: Readonly<Record<string, Described>>;
    readonly schemas: Readonly<Record<string, object>>;
  };
}

/** The Iceberg REST catalog's own description, to hold answers against. */
export class OpenApi {
  readonly #document: Specification;
  readonly #ajv = new Ajv2020({ strict: false, allErrors: true });
  readonly #validators = new Map<string, ValidateFunction>();

  constructor(path: string) {
    this.#document = parse(readFileSync(path, "utf8")) as Specification;
    // A number is several of these at a time, so that "one of" would allow none; and a partition's value may be null.
    const value = this.#document.components.schemas.PrimitiveTypeValue as {
      oneOf?: object[];
      anyOf?: object[];
    };
    value.anyOf = [...(value.oneOf ?? []), { type: "null" }];
    delete value.oneOf;
    formats.default(this.#ajv);
    this.#ajv.addFormat("int64", true);
    this.#ajv.addSchema(this.#document as object, "spec");
  }

  /** The ids of all operations, by endpoint as `/v1/config` lists them. */
  operationIds(): Map<string, string> {
    const ids = new Map<string, string>();
    for (const [template, methods] of Object.entries(this.#document.paths)) {
      for (const [method, operation] of Object.entries(methods)) {
        if ("operationId" in operation) ids.set(`${method.toUpperCase()} ${template}`, operation.operationId);
      }
    }
    return ids;
  }

  /** What is wrong with an answer: empty where the specification allows it. */
  problems(endpoint: string, status: number, body: unknown): string[] {
    const [method = "", template = ""] = endpoint.split(" ");
    const responses = this.#document.paths[template]?.[method.toLowerCase()]?.responses;
    if (responses === undefined) return [`there is no ${endpoint}`];
    const described = responses[String(status)] ?? (status >= 500 ? responses["5XX"] : undefined);
    if (described === undefined) return [`${endpoint} does not answer ${status}`];
    // Views, and operations that are not supported, are described with a bare ErrorModel, against their own examples
    // and every implementation: errors come in the wrapper, always.
    const isOAuth = template === "/v1/oauth/tokens";
    const pointer =
      status >= 400 && !isOAuth
        ? "/components/schemas/IcebergErrorResponse"
        : this.#schemaPointer(
            described,
            `/paths/${escaped(template)}/${method.toLowerCase()}/responses/${status}`,
          );
    if (pointer === undefined) return body === undefined ? [] : ["there should be no body"];
    if (body === undefined) return method === "HEAD" ? [] : ["there should be a body"];
    const validate = this.#validator(pointer);
    if (validate(body)) return [];
    return (validate.errors ?? []).map(({ instancePath, message }) => `${instancePath} ${message}`);
  }

  #schemaPointer(described: Described, own: string): string | undefined {
    const name = described.$ref?.split("/").at(-1);
    const target = name === undefined ? described : this.#document.components.responses[name];
    const base = name === undefined ? own : `/components/responses/${name}`;
    const hasSchema = target?.content?.["application/json"]?.schema !== undefined;
    return hasSchema ? `${base}/content/application~1json/schema` : undefined;
  }

  #validator(pointer: string): ValidateFunction {
    const known =
      this.#validators.get(pointer) ??
      this.#ajv.compile({ $ref: `spec#${pointer.replaceAll("{", "%7B").replaceAll("}", "%7D")}` });
    this.#validators.set(pointer, known);
    return known;
  }
}

function escaped(segment: string): string {
  return segment.replaceAll("~", "~0").replaceAll("/", "~1");
}

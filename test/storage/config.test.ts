import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { LocalStore, openStore, S3Store, s3OptionsFromEnv } from "../../lib/lakehouse/storage/index.js";
import { compareUtf8 } from "../../lib/lakehouse/storage/uri.js";
import { runs } from "../support/runs.js";

describe("s3OptionsFromEnv", () => {
  test("reads what is set and leaves out what is not", () => {
    expect(s3OptionsFromEnv({})).toEqual({});
    expect(s3OptionsFromEnv({ SLH_S3_ENDPOINT: "", SLH_S3_PATH_STYLE: "" })).toEqual({});
    expect(
      s3OptionsFromEnv({
        SLH_S3_ENDPOINT: "http://localhost:8333",
        SLH_S3_REGION: "eu-north-1",
        SLH_S3_ACCESS_KEY_ID: "id",
        SLH_S3_SECRET_ACCESS_KEY: "secret",
        SLH_S3_SESSION_TOKEN: "token",
        SLH_S3_PATH_STYLE: "false",
        SLH_S3_RETRY_LIMIT_MS: "90000",
        SLH_S3_RETRY_DELAY_MS: "50",
        SLH_S3_RETRY_MAX_DELAY_MS: "1000",
        SLH_S3_TIMEOUT_MS: "30000",
      }),
    ).toEqual({
      endpoint: "http://localhost:8333",
      region: "eu-north-1",
      credentials: { accessKeyId: "id", secretAccessKey: "secret", sessionToken: "token" },
      pathStyle: false,
      retryLimitMs: 90_000,
      retryDelayMs: 50,
      retryMaxDelayMs: 1_000,
      timeoutMs: 30_000,
    });
  });

  test.each([
    [{ SLH_S3_ACCESS_KEY_ID: "id" }, "SLH_S3_SECRET_ACCESS_KEY"],
    [{ SLH_S3_SECRET_ACCESS_KEY: "secret" }, "SLH_S3_ACCESS_KEY_ID"],
    [{ SLH_S3_PATH_STYLE: "maybe" }, "SLH_S3_PATH_STYLE"],
    [{ SLH_S3_RETRY_LIMIT_MS: "1 minute" }, "SLH_S3_RETRY_LIMIT_MS"],
    [{ SLH_S3_TIMEOUT_MS: "0" }, "timeoutMs"],
    [{ SLH_S3_ENDPOINT: "localhost:8333" }, "endpoint"],
  ])("%j is INVALID_CONFIG, and says what is wrong", (env, subject) => {
    expect(() => s3OptionsFromEnv(env)).toThrow(expect.objectContaining({ code: "INVALID_CONFIG", subject }));
  });

  test("never puts the secret into an error", () => {
    const env = { SLH_S3_SECRET_ACCESS_KEY: "hunter2" };
    expect(() => s3OptionsFromEnv(env)).toThrow(
      expect.not.objectContaining({ message: expect.stringContaining("hunter2") }),
    );
  });
});

describe("openStore", () => {
  test("takes the store from the scheme", () => {
    expect(openStore("/some/where")).toBeInstanceOf(LocalStore);
    expect(openStore("file:///some/where").root).toBe("file:///some/where");
    expect(openStore("relative/place").root).toBe(`file://${process.cwd()}/relative/place`);
    expect(openStore("s3://bucket/a/b/", { s3: {} })).toBeInstanceOf(S3Store);
    expect(openStore("s3://bucket/a/b/", { s3: {} }).root).toBe("s3://bucket/a/b");
    expect(openStore("s3a://bucket", { s3: {} }).root).toBe("s3://bucket");
  });

  test.each(["gs://bucket/a", "https://example.com/a", "s3://", "s3:///a"])("%s is INVALID_URI", (root) => {
    expect(() => openStore(root, { s3: {} })).toThrow(expect.objectContaining({ code: "INVALID_URI" }));
  });

  test.each([
    { endpoint: "ftp://x" },
    { endpoint: "nonsense" },
    { partBytes: 1024 },
    { retryLimitMs: -1 },
    { timeoutMs: 0 },
  ])("%j is INVALID_CONFIG", (s3) => {
    expect(() => openStore("s3://bucket", { s3 })).toThrow(
      expect.objectContaining({ code: "INVALID_CONFIG" }),
    );
  });
});

describe("compareUtf8", () => {
  test("orders as the bytes of UTF-8 do", () => {
    const string = fc.string({ unit: "binary", maxLength: 6 });
    fc.assert(
      fc.property(string, string, (a, b) => {
        expect(Math.sign(compareUtf8(a, b))).toBe(Buffer.compare(Buffer.from(a), Buffer.from(b)));
      }),
      { numRuns: runs(2000) },
    );
    expect(compareUtf8("\uFFFD", "\u{1F600}")).toBeLessThan(0);
  });
});

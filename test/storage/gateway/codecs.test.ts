import type { IncomingMessage } from "node:http";
import { describe, expect, test } from "vitest";
import { checksumFor } from "../../../lib/lakehouse/storage/checksum.js";
import { decodeChunks } from "../../../lib/lakehouse/storage/gateway/chunked.js";
import { parseRange } from "../../../lib/lakehouse/storage/gateway/object.js";
import { parseTarget, verifySignature } from "../../../lib/lakehouse/storage/gateway/sigv4.js";
import { xmlDocument, xmlElements, xmlText } from "../../../lib/lakehouse/storage/gateway/xml.js";
import { bytes, chunks, collect, text } from "../support/bodies.js";

/** Key and time of the worked examples in the S3 API reference, "Authenticating Requests (AWS Signature Version 4)". */
const EXAMPLE_KEY = {
  accessKeyId: "AKIAIOSFODNN7EXAMPLE",
  secretAccessKey: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
};
const EXAMPLE_TIME = Date.parse("2013-05-24T00:00:00Z");
const EMPTY_SHA256 = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

function request(method: string, headers: Record<string, string>): IncomingMessage {
  const headersDistinct = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, [value]]));
  return { method, headers, headersDistinct } as unknown as IncomingMessage;
}

function authorization(signedHeaders: string, signature: string): string {
  return `AWS4-HMAC-SHA256 Credential=${EXAMPLE_KEY.accessKeyId}/20130524/us-east-1/s3/aws4_request,SignedHeaders=${signedHeaders},Signature=${signature}`;
}

describe("Signature Version 4: the examples of the S3 API reference", () => {
  const common = {
    host: "examplebucket.s3.amazonaws.com",
    "x-amz-content-sha256": EMPTY_SHA256,
    "x-amz-date": "20130524T000000Z",
  };
  const getObject = {
    ...common,
    range: "bytes=0-9",
    authorization: authorization(
      "host;range;x-amz-content-sha256;x-amz-date",
      "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41",
    ),
  };

  test("GET Object", () => {
    const verified = verifySignature(
      request("GET", getObject),
      parseTarget("/test.txt"),
      EXAMPLE_KEY,
      EXAMPLE_TIME,
    );
    expect(verified.payload).toBe(EMPTY_SHA256);
  });

  test("GET Bucket (List Objects), whose query is sorted and encoded", () => {
    const headers = {
      ...common,
      authorization: authorization(
        "host;x-amz-content-sha256;x-amz-date",
        "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7",
      ),
    };
    const target = parseTarget("/?max-keys=2&prefix=J");
    expect(() => verifySignature(request("GET", headers), target, EXAMPLE_KEY, EXAMPLE_TIME)).not.toThrow();
  });

  const presigned =
    "/test.txt?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request" +
    "&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host" +
    "&X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404";
  const presignedRequest = request("GET", { host: common.host });

  test("a presigned URL, until it expires", () => {
    const verify = (now: number) =>
      verifySignature(presignedRequest, parseTarget(presigned), EXAMPLE_KEY, now);
    expect(verify(EXAMPLE_TIME).payload).toBe("UNSIGNED-PAYLOAD");
    expect(verify(EXAMPLE_TIME + 86_400_000).payload).toBe("UNSIGNED-PAYLOAD");
    expect(() => verify(EXAMPLE_TIME + 86_401_000)).toThrow(/expired/);
    expect(() => verify(EXAMPLE_TIME - 901_000)).toThrow(/future/);
  });

  test("whatever is changed on the way is noticed", () => {
    const verify = (
      method: string,
      url: string,
      headers: Record<string, string>,
      key = EXAMPLE_KEY,
      now = EXAMPLE_TIME,
    ) => {
      try {
        verifySignature(request(method, headers), parseTarget(url), key, now);
        return "accepted";
      } catch (error) {
        return (error as { code?: string }).code;
      }
    };
    expect(verify("GET", "/test.txt", getObject)).toBe("accepted");
    expect(verify("PUT", "/test.txt", getObject)).toBe("SignatureDoesNotMatch");
    expect(verify("GET", "/test.txt2", getObject)).toBe("SignatureDoesNotMatch");
    expect(verify("GET", "/test.txt?acl", getObject)).toBe("SignatureDoesNotMatch");
    expect(verify("GET", "/test.txt", { ...getObject, range: "bytes=0-10" })).toBe("SignatureDoesNotMatch");
    expect(verify("GET", "/test.txt", { ...getObject, host: "evil.example" })).toBe("SignatureDoesNotMatch");
    expect(verify("GET", "/test.txt", getObject, { ...EXAMPLE_KEY, secretAccessKey: "guess" })).toBe(
      "SignatureDoesNotMatch",
    );
    expect(verify("GET", "/test.txt", getObject, { ...EXAMPLE_KEY, accessKeyId: "other" })).toBe(
      "InvalidAccessKeyId",
    );
    expect(verify("GET", "/test.txt", { ...getObject, "x-amz-copy-source": "/x" })).toBe("AccessDenied");
    expect(verify("GET", "/test.txt", getObject, EXAMPLE_KEY, EXAMPLE_TIME + 16 * 60_000)).toBe(
      "RequestTimeTooSkewed",
    );
    expect(verify("GET", "/test.txt", common)).toBe("AccessDenied");
    expect(verify("GET", "/test.txt", { ...common, authorization: "AWS4-HMAC-SHA256 nonsense" })).toBe(
      "AuthorizationHeaderMalformed",
    );
    expect(verify("GET", "/test.txt", { ...common, authorization: "Basic abc" })).toBe(
      "AuthorizationHeaderMalformed",
    );
    expect(verify("GET", presigned.replace("86400", "86401"), { host: common.host })).toBe(
      "SignatureDoesNotMatch",
    );
    expect(verify("GET", presigned.replace("86400", "9999999"), { host: common.host })).toBe("AccessDenied");
    expect(verify("GET", `${presigned}&versionId=1`, { host: common.host })).toBe("SignatureDoesNotMatch");
  });

  test("an upload in signed chunks, as long as no chunk is touched", async () => {
    const headers = {
      "content-encoding": "aws-chunked",
      "content-length": "66824",
      host: "s3.amazonaws.com",
      "x-amz-content-sha256": "STREAMING-AWS4-HMAC-SHA256-PAYLOAD",
      "x-amz-date": "20130524T000000Z",
      "x-amz-decoded-content-length": "66560",
      "x-amz-storage-class": "REDUCED_REDUNDANCY",
      authorization: authorization(
        "content-encoding;content-length;host;x-amz-content-sha256;x-amz-date;x-amz-decoded-content-length;x-amz-storage-class",
        "4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9",
      ),
    };
    const target = parseTarget("/examplebucket/chunkObject.txt");
    const verified = verifySignature(request("PUT", headers), target, EXAMPLE_KEY, EXAMPLE_TIME);
    const body = Buffer.from(
      `10000;chunk-signature=ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648\r\n${"a".repeat(65536)}\r\n` +
        `400;chunk-signature=0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497\r\n${"a".repeat(1024)}\r\n` +
        "0;chunk-signature=b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9\r\n\r\n",
    );
    expect(body.byteLength).toBe(66824);
    const decode = (encoded: Uint8Array, piece: number) => {
      const pieces = Array.from({ length: Math.ceil(encoded.byteLength / piece) }, (_, i) =>
        encoded.subarray(i * piece, (i + 1) * piece),
      );
      return collect(decodeChunks(chunks(pieces), verified, new Map()));
    };
    for (const piece of [body.byteLength, 10_000, 7]) {
      expect(text(await decode(body, piece))).toBe("a".repeat(66560));
    }
    const touched = Buffer.from(body);
    touched[40_000] = 98;
    await expect(decode(touched, 10_000)).rejects.toMatchObject({ code: "SignatureDoesNotMatch" });
    await expect(decode(body.subarray(0, 40_000), 10_000)).rejects.toMatchObject({ code: "IncompleteBody" });
    await expect(decode(Buffer.from("zz\r\n"), 10)).rejects.toMatchObject({ code: "InvalidRequest" });
    await expect(decode(Buffer.from("1".repeat(100_000)), 1000)).rejects.toMatchObject({
      code: "InvalidRequest",
    });
  });
});

describe("checksums of '123456789', the check value of each catalogue", () => {
  test.each([
    ["x-amz-checksum-crc32", "cbf43926"],
    ["x-amz-checksum-crc32c", "e3069283"],
    ["x-amz-checksum-crc64nvme", "ae8b14860a799888"],
    ["x-amz-checksum-sha1", "f7c3bc1d808e04732adf679965ccc34ca7ae3441"],
    ["x-amz-checksum-sha256", "15e2b0d3c33891ebb0f1ef609ec419420c20e320ce94c65fbc8c3312448eb225"],
    ["content-md5", "25f9e794323b453885f5181f1b624d0b"],
  ])("%s", (header, hex) => {
    const checksum = checksumFor(header);
    checksum?.update(bytes("1234"));
    checksum?.update(bytes("56789"));
    expect(Buffer.from(checksum?.digest() ?? "", "base64").toString("hex")).toBe(hex);
  });
});

describe("request ranges", () => {
  test.each([
    ["bytes=0-9", { start: 0, end: 10 }],
    ["bytes=90-200", { start: 90, end: 100 }],
    ["bytes=90-", { start: 90, end: 100 }],
    ["bytes=-10", { start: 90, end: 100 }],
    ["bytes=-1000", { start: 0, end: 100 }],
    ["bytes=5-4", undefined],
    ["bytes=0-1,5-6", undefined],
    ["items=0-1", undefined],
    ["bytes=-", undefined],
    [undefined, undefined],
  ])("%s of 100 bytes", (header, range) => {
    expect(parseRange(header, 100)).toEqual(range);
  });

  test.each(["bytes=100-", "bytes=100-200", "bytes=-0"])("%s of 100 bytes cannot be satisfied", (header) => {
    expect(() => parseRange(header, 100)).toThrow(expect.objectContaining({ code: "InvalidRange" }));
  });
});

describe("XML", () => {
  test("escapes what would end an element, and what XML cannot hold", () => {
    const document = xmlDocument("R", { Key: "<a>&\"']]>\r\n\u0001é😀" }, false);
    expect(document).toContain("<R><Key>&#60;a&#62;&#38;&#34;&#39;]]&#62;&#13;&#10;\uFFFDé😀</Key></R>");
    expect(xmlText(document, "Key")).toBe("<a>&\"']]>\r\n\uFFFDé😀");
  });

  test("reads lists, and refuses declarations that could define entities", () => {
    expect(xmlElements("<D><O><K>a</K></O><O x='1'><K>b</K></O></D>", "O")).toEqual(["<K>a</K>", "<K>b</K>"]);
    expect(xmlText("<K>&lt;&#x41;&#66;&unknown;</K>", "K")).toBe("<AB&unknown;");
    expect(() => xmlElements("<!DOCTYPE x [<!ENTITY a 'b'>]><K>&a;</K>", "K")).toThrow(/declaration/);
    expect(() => xmlElements("<K>never closed", "K")).toThrow(/no <\/K>/);
    expect(() => xmlText("<K>&#x110000;</K>", "K")).toThrow(/does not exist/);
  });
});

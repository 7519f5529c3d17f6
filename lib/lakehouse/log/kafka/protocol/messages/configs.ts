/** Settings are read and changed. */
import { api } from "../api.js";
import { array, boolean, int8, int16, int32, string } from "../fields.js";

export const describeConfigs = api({
  name: "DescribeConfigs",
  key: 32,
  versions: "0-4",
  flexible: "4+",
  request: {
    resources: array({
      resourceType: int8(),
      resourceName: string(),
      configurationKeys: array(string()).nullable(),
    }),
    includeSynonyms: boolean("1+").or(false),
    includeDocumentation: boolean("3+").or(false),
  },
  response: {
    throttleTimeMs: int32().or(0),
    results: array({
      errorCode: int16(),
      errorMessage: string().nullable(),
      resourceType: int8(),
      resourceName: string(),
      configs: array({
        name: string(),
        value: string().nullable(),
        readOnly: boolean(),
        isDefault: boolean("0"),
        configSource: int8("1+").or(-1),
        isSensitive: boolean(),
        synonyms: array(
          {
            name: string(),
            value: string().nullable(),
            source: int8(),
          },
          "1+",
        ),
        configType: int8("3+").or(0),
        documentation: string("3+").nullable(),
      }),
    }),
  },
});

export const alterConfigs = api({
  name: "AlterConfigs",
  key: 33,
  versions: "0-2",
  flexible: "2+",
  request: {
    resources: array({
      resourceType: int8(),
      resourceName: string(),
      configs: array({
        name: string(),
        value: string().nullable(),
      }),
    }),
    validateOnly: boolean(),
  },
  response: {
    throttleTimeMs: int32().or(0),
    responses: array({
      errorCode: int16(),
      errorMessage: string().nullable(),
      resourceType: int8(),
      resourceName: string(),
    }),
  },
});

export const incrementalAlterConfigs = api({
  name: "IncrementalAlterConfigs",
  key: 44,
  versions: "0-1",
  flexible: "1+",
  request: {
    resources: array({
      resourceType: int8(),
      resourceName: string(),
      configs: array({
        name: string(),
        configOperation: int8(),
        value: string().nullable(),
      }),
    }),
    validateOnly: boolean(),
  },
  response: {
    throttleTimeMs: int32().or(0),
    responses: array({
      errorCode: int16(),
      errorMessage: string().nullable(),
      resourceType: int8(),
      resourceName: string(),
    }),
  },
});

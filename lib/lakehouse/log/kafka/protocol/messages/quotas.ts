/** Quotas of clients (KIP-546). */
import { api } from "../api.js";
import { array, boolean, float64, int8, int16, int32, string } from "../fields.js";

export const describeClientQuotas = api({
  name: "DescribeClientQuotas",
  key: 48,
  versions: "0-1",
  flexible: "1+",
  request: {
    components: array({
      entityType: string(),
      matchType: int8(),
      match: string().nullable(),
    }),
    strict: boolean(),
  },
  response: {
    throttleTimeMs: int32().or(0),
    errorCode: int16(),
    errorMessage: string().nullable().or(null),
    entries: array({
      entity: array({
        entityType: string(),
        entityName: string().nullable(),
      }),
      values: array({
        key: string(),
        value: float64(),
      }),
    }).nullable(),
  },
});

export const alterClientQuotas = api({
  name: "AlterClientQuotas",
  key: 49,
  versions: "0-1",
  flexible: "1+",
  request: {
    entries: array({
      entity: array({
        entityType: string(),
        entityName: string().nullable(),
      }),
      ops: array({
        key: string(),
        value: float64(),
        remove: boolean(),
      }),
    }),
    validateOnly: boolean(),
  },
  response: {
    throttleTimeMs: int32().or(0),
    entries: array({
      errorCode: int16(),
      errorMessage: string().nullable().or(null),
      entity: array({
        entityType: string(),
        entityName: string().nullable(),
      }),
    }),
  },
});

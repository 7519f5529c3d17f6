/** Users and what they may do are looked at and changed. */
import { api } from "../api.js";
import { array, bytes, int8, int16, int32, string } from "../fields.js";

/** Which entries of the list are meant: null for any. */
const filter = {
  resourceTypeFilter: int8(),
  resourceNameFilter: string().nullable(),
  patternTypeFilter: int8("1+").or(3),
  principalFilter: string().nullable(),
  hostFilter: string().nullable(),
  operation: int8(),
  permissionType: int8(),
};

export const describeAcls = api({
  name: "DescribeAcls",
  key: 29,
  versions: "0-3",
  flexible: "2+",
  request: filter,
  response: {
    throttleTimeMs: int32().or(0),
    errorCode: int16(),
    errorMessage: string().nullable().or(null),
    resources: array({
      resourceType: int8(),
      resourceName: string(),
      patternType: int8("1+").or(3),
      acls: array({
        principal: string(),
        host: string(),
        operation: int8(),
        permissionType: int8(),
      }),
    }),
  },
});

export const createAcls = api({
  name: "CreateAcls",
  key: 30,
  versions: "0-3",
  flexible: "2+",
  request: {
    creations: array({
      resourceType: int8(),
      resourceName: string(),
      resourcePatternType: int8("1+").or(3),
      principal: string(),
      host: string(),
      operation: int8(),
      permissionType: int8(),
    }),
  },
  response: {
    throttleTimeMs: int32().or(0),
    results: array({
      errorCode: int16(),
      errorMessage: string().nullable(),
    }),
  },
});

export const deleteAcls = api({
  name: "DeleteAcls",
  key: 31,
  versions: "0-3",
  flexible: "2+",
  request: { filters: array(filter) },
  response: {
    throttleTimeMs: int32().or(0),
    filterResults: array({
      errorCode: int16(),
      errorMessage: string().nullable(),
      matchingAcls: array({
        errorCode: int16().or(0),
        errorMessage: string().nullable().or(null),
        resourceType: int8(),
        resourceName: string(),
        patternType: int8("1+").or(3),
        principal: string(),
        host: string(),
        operation: int8(),
        permissionType: int8(),
      }),
    }),
  },
});

export const describeUserScramCredentials = api({
  name: "DescribeUserScramCredentials",
  key: 50,
  versions: "0",
  flexible: "0+",
  request: {
    users: array({ name: string() }).nullable(),
  },
  response: {
    throttleTimeMs: int32().or(0),
    errorCode: int16(),
    errorMessage: string().nullable().or(null),
    results: array({
      user: string(),
      errorCode: int16(),
      errorMessage: string().nullable().or(null),
      credentialInfos: array({
        mechanism: int8(),
        iterations: int32(),
      }),
    }),
  },
});

export const alterUserScramCredentials = api({
  name: "AlterUserScramCredentials",
  key: 51,
  versions: "0",
  flexible: "0+",
  request: {
    deletions: array({
      name: string(),
      mechanism: int8(),
    }),
    upsertions: array({
      name: string(),
      mechanism: int8(),
      iterations: int32(),
      salt: bytes(),
      saltedPassword: bytes(),
    }),
  },
  response: {
    throttleTimeMs: int32().or(0),
    results: array({
      user: string(),
      errorCode: int16(),
      errorMessage: string().nullable().or(null),
    }),
  },
});

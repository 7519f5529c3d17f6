/** Values: canonical forms, their order, and their single-value serializations (spec, Appendix D). */
export {
  bytesToHex,
  hexToBytes,
  isWellFormed,
  parseUuid,
  utf8Decode,
  utf8Encode,
  uuidFromBytes,
  uuidToBytes,
} from "./bytes.js";
export { canonicalValue, describeExpected, describeValue, nearestFloat } from "./canonical.js";
export {
  type Comparator,
  comparatorOf,
  compareBytes,
  compareFloats,
  compareStrings,
  valueKey,
} from "./compare.js";
export {
  decimalRequiredBytes,
  formatDecimal,
  parseDecimal,
  unscaledFromBytes,
  unscaledToBytes,
  unscaledToFixed,
} from "./decimal.js";
export { fromJsonValue, toJsonValue } from "./json-value.js";
export { boundFromBinary, fromBinary, toBinary } from "./single-value.js";
export {
  type CivilDate,
  civilFromDays,
  daysFromCivil,
  formatDate,
  formatTime,
  formatTimestamp,
  parseDate,
  parseTime,
  parseTimestamp,
} from "./temporal.js";
export { requireWellFormed } from "./well-formed.js";

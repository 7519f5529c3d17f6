/**
 * Quality: checks as data, contracts, and write-audit-publish. All checks of a table run in one query over its rows where
 * they can; `lake.quality` runs them, publishes what they let through, and keeps what they found.
 *
 * Folders, each using those before it alone: checks, run, contracts, publish; report and suites stand beside them.
 */
export type { CheckOptions, QualityContext } from "./check.js";
export {
  acceptedValues,
  type CheckOptions as CheckSettings,
  drift,
  expression,
  freshness,
  length,
  notNull,
  pattern,
  range,
  references,
  rowCount,
  sqlCheck,
  types,
  unique,
  type ValueInput,
} from "./checks/builders.js";
export type {
  AcceptedValuesCheck,
  Allowance,
  Check,
  CheckBase,
  CheckKind,
  CheckValue,
  Distribution,
  DriftCheck,
  ExpressionCheck,
  FreshnessCheck,
  LengthCheck,
  NotNullCheck,
  OfRows,
  PatternCheck,
  RangeCheck,
  ReferencesCheck,
  RowCountCheck,
  Severity,
  SqlCheck,
  TypesCheck,
  UniqueCheck,
} from "./checks/types.js";
export { type Contract, type ContractInit, contract } from "./contracts/contract.js";
export { type DictionaryTable, dictionary } from "./contracts/dictionary.js";
export { CheckFailedError, RowsRefusedError } from "./errors.js";
export type { PastRequest, PastResult } from "./history.js";
export type { WriteRows, WriteTarget } from "./publish/landing.js";
export { type AuditOptions, type Publication, publishedBy } from "./publish/publish.js";
export {
  type BatchOptions,
  type CheckedStreamOptions,
  type CheckedTopicOptions,
  type PublishOptions,
  Quality,
  type TableOrContract,
} from "./quality.js";
export type {
  CheckReport,
  CheckResult,
  JsonRow,
  Outcome,
  Scope,
} from "./run/report.js";
export { type DbtOptions, type DbtTable, readDbt } from "./suites/dbt.js";

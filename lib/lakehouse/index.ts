export { type ErrorCode, isLakehouseError, LakehouseError, type LakehouseErrorInit } from "./errors.js";

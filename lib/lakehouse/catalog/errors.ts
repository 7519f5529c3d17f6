import { errorKind } from "../errors.js";

/** There is no lake at a place, and whoever asked did not want one made. */
export const noSuchLake = errorKind("NO_SUCH_LAKE");
/** There is no namespace of a name. */
export const noSuchNamespace = errorKind("NO_SUCH_NAMESPACE");
/** A namespace of a name is there already. */
export const namespaceExists = errorKind("NAMESPACE_EXISTS");
/** A namespace that still holds tables, views or namespaces. */
export const namespaceNotEmpty = errorKind("NAMESPACE_NOT_EMPTY");
/** A table of a name is there already. */
export const tableExists = errorKind("TABLE_EXISTS");
/** There is no view of a name. */
export const noSuchView = errorKind("NO_SUCH_VIEW");
/** A view of a name is there already. */
export const viewExists = errorKind("VIEW_EXISTS");
/** A catalog server does not know, or not allow, who asks. */
export const notAuthorized = errorKind("NOT_AUTHORIZED");
/** A catalog server does not answer. */
export const catalogUnavailable = errorKind("CATALOG_UNAVAILABLE");
/** The lake, or a part of it, lies elsewhere than its tables say. */
export const lakeMoved = errorKind("LAKE_MOVED");

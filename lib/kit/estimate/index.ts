/**
 * Estimates: numbers that know what they count, formulas over them, and the ones that the talk about the whole system makes.
 * Notebook, command and calculator page reckon by this room. It stands on the ground and imports errors alone, since the page
 * runs it in the reader's browser.
 */
export { type Estimate, estimate, estimates, withUnit } from "./estimates.js";
export { inShort, loadsHtml, resultsHtml } from "./html.js";
export { breaksFirst, type Load, loads, loadText } from "./loads.js";
export {
  ASSUMPTIONS,
  type Assumption,
  type AssumptionId,
  DERIVED,
  type Derived,
  type DerivedId,
  LIMITS,
  type Limit,
  type Moved,
  PETABYTE,
} from "./model.js";
export { type Dimensions, inUnit, over, plus, type Quantity, quantity, times } from "./quantity.js";

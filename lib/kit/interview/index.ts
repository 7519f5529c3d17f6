/**
 * The interview: what one says of the whole system, and can back up. The talk with its clock, questions with evidence that come
 * again when they are due, a mock interview, and designs whose estimates are held against formulas. Every measured figure in
 * them is a fact of a milestone's run, pulled in by name; `content` reads and judges the texts, and shows them on the site.
 */
export { mockInterview, points, RUBRIC, type Scored, summaryOf } from "./drills/mock.js";
export { GRADES, type GradeName, Schedule } from "./drills/schedule.js";
export { type DrillReport, drill, type Talking } from "./drills/session.js";
export { type Loaded, loadForPractice } from "./load.js";

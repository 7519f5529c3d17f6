/**
 * The interview: what one says of the whole system, and can back up. A talk with a clock, questions with evidence that come again
 * when they are due, and a mock interview. Every figure in them is a fact of a milestone's run, pulled in by name.
 */
export { type Card, type Cards, type Evidence, readCards, spoken } from "./drills/cards.js";
export { mockInterview, points, RUBRIC, type Scored, summaryOf } from "./drills/mock.js";
export { GRADES, type GradeName, Schedule } from "./drills/schedule.js";
export { type DrillReport, drill, type Talking } from "./drills/session.js";
export {
  checkTalk,
  LENGTHS,
  type Minutes,
  readTalk,
  spokenWords,
  type Talk,
  type TalkSlide,
  talkSource,
} from "./talk/talk.js";

/**
 * What is wrong with compressed bytes, as the end of a sentence: "the LZ4 frame ends early". A codec does not know
 * which file its bytes come from; who calls it does, and makes the error of it.
 */
export class InvalidBytes extends Error {}

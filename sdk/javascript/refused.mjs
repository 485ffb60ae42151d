// What an author has to change, in a sentence.

/** A build that cannot be: `message` says why and what to do, `more` is shown below it. */
export class Refused extends Error {
  constructor(message, more = "") {
    super(message);
    this.more = more;
  }
}

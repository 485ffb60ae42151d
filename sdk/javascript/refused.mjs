// What an author has to change, in a sentence.

/** A build that cannot be: `message` says why and what to do, `more` is shown below it; `packages` are not there. */
export class Refused extends Error {
  constructor(message, more = "", packages = []) {
    super(message);
    this.more = more;
    this.packages = packages;
  }
}

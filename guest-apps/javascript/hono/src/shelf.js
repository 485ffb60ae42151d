// What is on the shelf, and what is found there.

import books from "./books.json" with { type: "json" };

/** Those whose title or author has `words` in it; all of them without. */
export function search(words = "") {
  const wanted = words.trim().toLowerCase();
  return books.filter(({ title, author }) => `${title} ${author}`.toLowerCase().includes(wanted));
}

/** The one with this number. */
export function find(id) {
  return books.find((book) => book.id === Number(id));
}

/** What is missing in a suggestion; nothing if it is whole. */
export function missing({ title, author }) {
  if (!title?.trim()) return "a title";
  if (!author?.trim()) return "an author";
}

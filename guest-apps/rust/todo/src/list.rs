//! The list: its items, its limits, and its way into a cookie and back.

use std::fmt;

use guesthouse::form;

const ITEMS_MAX: usize = 30;
const ITEM_CHARS_MAX: usize = 100;
/// A browser keeps about 4 KiB for a cookie, its name and attributes included.
const COOKIE_BYTES_MAX: usize = 3800;

/// Stands between two items; `form::encode` never writes it.
const SEPARATOR: char = '~';

/// One thing to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// Whether it is done.
    pub done: bool,
    /// What it is, in the visitor's words.
    pub text: String,
}

/// The things to do, in the order in which they were added.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct List {
    /// The items; a form names one by its place.
    pub items: Vec<Item>,
}

/// Why a change was not made.
#[derive(Debug, PartialEq, Eq)]
pub enum Refusal {
    Empty,
    TooLong,
    Full,
    NoSuchItem,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => write!(f, "There is nothing in it to do."),
            Self::TooLong => write!(f, "This is longer than {ITEM_CHARS_MAX} letters."),
            Self::Full => write!(f, "The list is full. Do something first."),
            Self::NoSuchItem => write!(f, "This is not on the list any more."),
        }
    }
}

impl List {
    /// The list in a cookie. What cannot be read is left out: the cookie is the visitor's, who may write into it.
    pub fn from_cookie(value: &str) -> Self {
        let items = value.split(SEPARATOR).filter_map(|item| {
            let (done, text) = item.split_at_checked(1)?;
            Some(Item { done: done == "1", text: form::decode(text.as_bytes()) })
        });
        Self { items: items.take(ITEMS_MAX).collect() }
    }

    /// The cookie's value: each item a `0` or a `1` and its text.
    pub fn to_cookie(&self) -> String {
        let items = self.items.iter().map(|item| format!("{}{}", u8::from(item.done), form::encode(&item.text)));
        items.collect::<Vec<_>>().join(&SEPARATOR.to_string())
    }

    /// Puts a thing at the end.
    pub fn add(&mut self, text: &str) -> Result<(), Refusal> {
        let text = text.trim();
        if text.is_empty() {
            return Err(Refusal::Empty);
        }
        if text.chars().count() > ITEM_CHARS_MAX {
            return Err(Refusal::TooLong);
        }
        self.items.push(Item { done: false, text: text.to_owned() });
        if self.items.len() > ITEMS_MAX || self.to_cookie().len() > COOKIE_BYTES_MAX {
            self.items.pop();
            return Err(Refusal::Full);
        }
        Ok(())
    }

    /// Makes what is to do done, and the other way round.
    pub fn toggle(&mut self, index: Option<usize>) -> Result<(), Refusal> {
        let item = index.and_then(|index| self.items.get_mut(index)).ok_or(Refusal::NoSuchItem)?;
        item.done = !item.done;
        Ok(())
    }

    /// Takes a thing off the list.
    pub fn delete(&mut self, index: Option<usize>) -> Result<(), Refusal> {
        let index = index.filter(|index| *index < self.items.len()).ok_or(Refusal::NoSuchItem)?;
        self.items.remove(index);
        Ok(())
    }

    /// Takes off what is done.
    pub fn clear(&mut self) -> Result<(), Refusal> {
        self.items.retain(|item| !item.done);
        Ok(())
    }
}

/// The app is well when a list survives the way into a cookie and back.
pub fn check() -> Result<(), String> {
    let list = List { items: vec![Item { done: true, text: "a ~ b; ü".to_owned() }] };
    let back = List::from_cookie(&list.to_cookie());
    if back == list { Ok(()) } else { Err(format!("a list came back as {back:?}")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_survives_the_cookie() {
        assert_eq!(check(), Ok(()));
        assert_eq!(List::from_cookie(""), List::default());
        assert_eq!(List::from_cookie("ü~0a").items.len(), 1);
    }

    #[test]
    fn a_list_stays_small_enough_for_a_cookie() {
        let mut list = List::default();
        assert_eq!(list.add("  "), Err(Refusal::Empty));
        assert_eq!(list.add(&"x".repeat(101)), Err(Refusal::TooLong));
        while list.add(&"ü".repeat(100)).is_ok() {}
        assert!(list.to_cookie().len() <= COOKIE_BYTES_MAX);
        assert_eq!(list.add(&"ü".repeat(100)), Err(Refusal::Full));
    }
}

//! A table of keys with amounts: each key is defined once, and all that is done with a table follows from that.

use std::fmt::Display;
use std::time::Duration;

use guesthouse_types::units::Size;
use guesthouse_types::units::Span;

/// A table in which keys may be left out, over another one.
pub trait Overlaid {
    /// This one, with what `over` names taken from there.
    #[must_use]
    fn overlaid(&self, over: &Self) -> Self;
}

impl<T: Clone> Overlaid for Option<T> {
    fn overlaid(&self, over: &Option<T>) -> Option<T> {
        over.clone().or(self.clone())
    }
}

/// What a key of a table counts or measures.
pub trait Amount: Copy + Ord + Display {
    /// Nothing of it.
    const ZERO: Self;
}

impl Amount for Size {
    const ZERO: Size = Size(0);
}

impl Amount for Span {
    const ZERO: Span = Span(Duration::ZERO);
}

impl Amount for u32 {
    const ZERO: u32 = 0;
}

/// Says that `asked` lies above `most`, if it does, as `memory = 1GiB` (at most 256MiB).
pub fn above<T: Amount>(name: &str, asked: Option<T>, most: Option<T>) -> Option<String> {
    let (asked, most) = (asked?, most?);
    (asked > most).then(|| format!("`{name} = {asked}` (at most {most})"))
}

/// The amount that is asked for, but not above `most`.
pub fn lowered<T: Amount>(asked: Option<T>, most: Option<T>) -> Option<T> {
    match (asked, most) {
        (Some(asked), Some(most)) => Some(asked.min(most)),
        (asked, _) => asked,
    }
}

/// Says whether `asked` is nothing.
pub fn is_zero<T: Amount>(asked: Option<T>) -> bool {
    asked == Some(T::ZERO)
}

/// Defines two types for the keys that follow: one as people write it, where any key may be left out, and one where each
/// key has its value. Of a key are said its type, its default (what an app has that does not ask), its ceiling (what it may
/// ask for unless the operator says otherwise), what stands for no ceiling at all, and whether zero makes sense.
macro_rules! table {
    (
        $(#[doc = $table_doc:literal])+
        pub struct $Table:ident;

        $(#[doc = $full_doc:literal])+
        pub struct $Full:ident;

        $(
            $(#[doc = $doc:literal])+
            $(#[serde($serde:meta)])?
            $key:ident: $type:ty {
                default: $default:expr,
                ceiling: $ceiling:expr,
                no_ceiling: $no_ceiling:expr,
                may_be_zero: $may_be_zero:literal
            }
        )+
    ) => {
        $(#[doc = $table_doc])+
        #[derive(Clone, Debug, Default, PartialEq, Eq, serde::Deserialize)]
        #[serde(default, deny_unknown_fields)]
        pub struct $Table {
            $(
                $(#[doc = $doc])+
                $(#[serde($serde)])?
                pub $key: Option<$type>,
            )+
        }

        $(#[doc = $full_doc])+
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub struct $Full {
            $(
                $(#[doc = $doc])+
                pub $key: $type,
            )+
        }

        impl Default for $Full {
            fn default() -> $Full {
                $Full { $($key: $default),+ }
            }
        }

        impl From<$Full> for $Table {
            fn from(full: $Full) -> $Table {
                $Table { $($key: Some(full.$key)),+ }
            }
        }

        impl From<$Table> for $Full {
            /// What is left out has its default.
            fn from(table: $Table) -> $Full {
                $Full { $($key: table.$key.unwrap_or($default)),+ }
            }
        }

        impl crate::table::Overlaid for $Table {
            fn overlaid(&self, over: &$Table) -> $Table {
                $Table { $($key: self.$key.overlaid(&over.$key)),+ }
            }
        }

        impl $Table {
            /// The built-in ceilings.
            pub fn ceilings() -> $Table {
                $Table { $($key: Some($ceiling)),+ }
            }

            /// Ceilings that nobody reaches.
            pub fn no_ceilings() -> $Table {
                $Table { $($key: Some($no_ceiling)),+ }
            }

            /// What is asked for here and lies above `ceiling`, each as `memory = 1GiB` (at most 256MiB).
            pub fn above(&self, ceiling: &$Table) -> Vec<String> {
                let all = [$(crate::table::above(stringify!($key), self.$key, ceiling.$key)),+];
                all.into_iter().flatten().collect()
            }

            /// This table, with what lies above `ceiling` lowered to it.
            #[must_use]
            pub fn lowered(&self, ceiling: &$Table) -> $Table {
                $Table { $($key: crate::table::lowered(self.$key, ceiling.$key)),+ }
            }

            /// The keys that are zero here and may not be.
            pub fn zeros(&self) -> Vec<&'static str> {
                let all = [$((stringify!($key), !$may_be_zero && crate::table::is_zero(self.$key))),+];
                all.into_iter().filter(|(_, is_wrong)| *is_wrong).map(|(name, _)| name).collect()
            }

            /// What it names, for people and for scripts.
            pub fn named(&self) -> std::collections::BTreeMap<&'static str, String> {
                let all = [$((stringify!($key), self.$key.map(|value| value.to_string()))),+];
                all.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
            }
        }
    };
}

pub(crate) use table;

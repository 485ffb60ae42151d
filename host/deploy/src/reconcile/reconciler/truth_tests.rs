//! What must be so, whatever happens: the pure model that the reconciler is held against. It knows no file, no job and no
//! clock; it is told what lies in the folder, what was read and what visitors see, and says what may not be.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::time::Duration;

use tokio::time::Instant;

use crate::manifest_guard::Guard;
use crate::status::AppState;

/// The declared routes of the model, by bit. The last one is the own host of the app [`SHADOW`].
pub const ROUTES: [(&str, &str); 3] = [("x.example", ""), ("y.example", "/api"), ("www.localhost", "")];
/// The app whose place in the folder beats the last of [`ROUTES`].
pub const SHADOW: &str = "www";

/// What a component's file holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Code {
    /// Serves.
    Good(u8),
    /// The beginning of [`Code::Good`].
    Half(u8),
    /// Looks well, and fails when it is tried.
    Faulty(u8),
    /// Can be seen to be no component.
    Senseless(u8),
    /// Nothing yet.
    Empty,
    /// More than is read.
    Large,
}

/// What a manifest holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Asked {
    /// Bits of [`ROUTES`].
    pub routes: u8,
    /// What the policy must allow at least.
    pub level: u8,
    /// The one good code that it is for.
    pub code: Option<u8>,
    /// Whether it can be read at all.
    pub is_odd: bool,
}

/// What lies in the folder under one name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Content {
    pub code: Code,
    pub manifest: Option<Asked>,
}

/// What a visitor reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Guest {
    pub id: u64,
    pub content: Content,
    /// The policy under which it was made.
    pub level: u8,
}

/// What becomes of a content, if nothing stands in its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    Serves,
    Waits,
    Refused,
}

impl Asked {
    /// What it keeps back: routes only give.
    pub fn guard(self) -> Guard {
        match self {
            Asked { is_odd: true, .. } => Guard::Unread,
            Asked { level: 0, code: None, .. } => Guard::Nothing,
            _ => Guard::Keys(vec!["limits".to_owned()]),
        }
    }
}

impl Content {
    /// What becomes of it under a policy of this level.
    pub fn fate(self, level: u8) -> Fate {
        let Content { code, manifest } = self;
        match (code, manifest) {
            (Code::Large, _) => Fate::Refused,
            (Code::Empty, _) => Fate::Waits,
            (_, Some(asked)) if asked.is_odd => Fate::Refused,
            (code, Some(Asked { code: Some(wanted), .. })) if code != Code::Good(wanted) => Fate::Waits,
            (Code::Half(_), _) => Fate::Waits,
            (Code::Senseless(_) | Code::Faulty(_), _) => Fate::Refused,
            (Code::Good(_), Some(asked)) if asked.level > level => Fate::Refused,
            (Code::Good(_), _) => Fate::Serves,
        }
    }

    /// The declared routes, by their number.
    pub fn routes(self) -> impl Iterator<Item = usize> {
        let asked = self.manifest.map_or(0, |manifest| manifest.routes);
        (0..ROUTES.len()).filter(move |route| asked & (1 << route) != 0)
    }
}

/// What is known of one app.
#[derive(Clone, Debug, Default)]
pub struct AppTruth {
    /// What lies in the folder: nothing, something that is no file, or a content.
    pub folder: Option<Option<Content>>,
    /// What visitors reach.
    pub shows: Option<Guest>,
    /// What they reached last.
    pub last_good: Option<Content>,
    /// When each content was read last, as a number that grows.
    read: BTreeMap<Content, u64>,
    /// Since which look in a row it was not there.
    missed_since: Option<Instant>,
    /// The last content that was refused, until something else is asked for.
    refused: Option<Content>,
    /// What the last manifest kept back that was seen.
    pub guard: Guard,
}

/// What is known of all.
#[derive(Clone, Debug, Default)]
pub struct Truth {
    pub apps: BTreeMap<&'static str, AppTruth>,
    /// Who holds a declared route.
    pub holders: BTreeMap<usize, &'static str>,
    /// What the policy allows.
    pub level: u8,
}

/// A claim that must hold.
pub fn claim(holds: bool, otherwise: impl FnOnce() -> String) -> Result<(), String> {
    if holds { Ok(()) } else { Err(otherwise()) }
}

impl Truth {
    fn app(&mut self, name: &'static str) -> &mut AppTruth {
        self.apps.entry(name).or_default()
    }

    /// A look into the folder: these are there, and of these nobody can tell.
    pub fn looked(&mut self, there: &BTreeSet<&'static str>, hidden: &BTreeSet<&'static str>, now: Instant) {
        for (name, app) in &mut self.apps {
            if there.contains(name) || hidden.contains(name) {
                app.missed_since = None;
            } else {
                app.missed_since.get_or_insert(now);
            }
        }
    }

    /// Nobody can tell of any.
    pub fn looked_in_vain(&mut self) {
        self.apps.values_mut().for_each(|app| app.missed_since = None);
    }

    /// The newest read of an app has brought this.
    pub fn has_read(&mut self, name: &'static str, content: Content, number: u64) {
        self.app(name).read.insert(content, number);
    }

    /// A content is about to be made ready.
    pub fn makes(&mut self, name: &'static str, content: Content) -> Result<(), String> {
        let app = self.app(name);
        claim(app.refused != Some(content), || format!("{name}: {content:?} was refused, and is made once more"))
    }

    /// A content was refused.
    pub fn refuses(&mut self, name: &'static str, content: Content) {
        self.app(name).refused = Some(content);
    }

    /// Somebody asks for refused ones to be tried again.
    pub fn reconsiders(&mut self) {
        self.apps.values_mut().for_each(|app| app.refused = None);
    }

    /// Visitors of an app reach `guest` from now on.
    pub fn shows(
        &mut self,
        name: &'static str,
        guest: Option<Guest>,
        present: &BTreeSet<&'static str>,
        grace: Duration,
        now: Instant,
    ) -> Result<(), String> {
        let (holders, level) = (self.holders.clone(), self.level);
        let app = self.app(name);
        let before = std::mem::replace(&mut app.shows, guest);
        if before == guest {
            return Ok(());
        }
        let Some(guest) = guest else {
            let since = app.missed_since.map(|since| now.duration_since(since));
            claim(!present.contains(name), || format!("{name}: nothing serves for a moment"))?;
            return claim(since.is_some_and(|since| since >= grace), || {
                format!("{name}: taken down although it was missed for {since:?} only")
            });
        };
        let content = guest.content;
        claim(content.fate(guest.level) == Fate::Serves, || format!("{name}: {content:?} serves and must not"))?;
        claim(guest.level == level, || format!("{name}: {guest:?} was made under another policy than {level}"))?;
        let (new, old) = (app.read.get(&content), app.last_good.and_then(|old| app.read.get(&old)));
        let is_same = app.last_good == Some(content);
        claim(is_same || new > old, || {
            format!("{name}: {content:?} (read {new:?}) replaces the newer {:?} (read {old:?})", app.last_good)
        })?;
        let served_last = is_same && (before.is_none() || before.is_some_and(|old| old.content == content));
        app.last_good = Some(content);
        // Only the last refusal is remembered, and only until something else serves.
        app.refused = None;
        self.holders.retain(|_, holder| *holder != name);
        for route in content.routes() {
            let other = holders.get(&route).filter(|holder| **holder != name && present.contains(*holder));
            claim(other.is_none() || served_last, || format!("{name} takes the route {route} from {other:?}"))?;
            claim(!is_shadowed(route, name, present) || served_last, || format!("{name} takes the folder's route"))?;
            if other.is_none() {
                self.holders.insert(route, name);
            }
        }
        Ok(())
    }

    /// Nothing is left of an app.
    pub fn forgets(&mut self, name: &'static str) {
        self.holders.retain(|_, holder| *holder != name);
        let folder = self.app(name).folder;
        let read = std::mem::take(&mut self.app(name).read);
        *self.app(name) = AppTruth { folder, read, ..AppTruth::default() };
    }

    /// Whether a content declares a route that another app has.
    pub fn is_contested(&self, name: &'static str, content: Content, present: &BTreeSet<&'static str>) -> bool {
        content.routes().any(|route| {
            let holder = self.holders.get(&route).filter(|holder| present.contains(*holder));
            holder.is_some_and(|holder| *holder != name) || is_shadowed(route, name, present)
        })
    }

    /// Everything stands still, and enough time has passed: does what serves follow from the folder?
    pub fn rests(
        &self,
        name: &'static str,
        state: Option<AppState>,
        present: &BTreeSet<&'static str>,
    ) -> Result<(), String> {
        let Some(app) = self.apps.get(name) else { return Ok(()) };
        let shows = app.shows;
        let (content, fate) = match app.folder {
            None => return claim(state.is_none(), || format!("{name}: gone from the folder, but {state:?}")),
            Some(None) => (None, Fate::Refused),
            Some(Some(content)) if content.manifest.is_none() && app.guard != Guard::Nothing => (None, Fate::Waits),
            Some(Some(content)) => (Some(content), content.fate(self.level)),
        };
        let is_live = content.is_some() && shows.map(|guest| guest.content) == content;
        let is_contested = content.is_some_and(|content| self.is_contested(name, content, present));
        let expected = match fate {
            Fate::Serves if is_live || !is_contested => AppState::Live,
            Fate::Serves => AppState::Conflict,
            Fate::Waits => AppState::Pending,
            Fate::Refused => AppState::Refused,
        };
        claim(state == Some(expected), || {
            format!("{name}: the folder has {content:?} under policy {}: {expected:?}, not {state:?}", self.level)
        })?;
        if expected == AppState::Live {
            claim(is_live, || format!("{name}: the folder has {content:?}, and {shows:?} serves"))?;
        }
        match (shows, app.last_good) {
            (Some(guest), Some(last)) => {
                let is_allowed = last.fate(self.level) == Fate::Serves;
                claim(guest.content == last, || format!("{name}: {shows:?} serves, and last was {last:?}"))?;
                claim(guest.level == self.level || !is_allowed, || {
                    format!("{name}: {guest:?} still serves under an old policy, now it is {}", self.level)
                })
            }
            (None, Some(last)) => claim(last.fate(self.level) != Fate::Serves, || {
                format!("{name}: the last good {last:?} does not serve")
            }),
            (Some(_), None) => Err(format!("{name}: {shows:?} serves out of nowhere")),
            (None, None) => Ok(()),
        }
    }
}

fn is_shadowed(route: usize, name: &str, present: &BTreeSet<&'static str>) -> bool {
    route == ROUTES.len() - 1 && name != SHADOW && present.contains(SHADOW)
}

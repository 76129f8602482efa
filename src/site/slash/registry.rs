//! # Registry: which commands there are
//!
//! Promises
//! 1. A name means one command: who adds another under the same name replaces it.
//! 2. What is listed for somebody in a room is what they may use there.

use std::collections::BTreeMap;
use std::fmt;
use std::rc::Rc;

use super::built_in;
use super::reply::{Asked, Reply};
use super::typed::is_name;
use crate::chat::{Kind, Refusal, Standing, Title};
use crate::ground::nearest::nearest;
use crate::site::hall::Hall;
use crate::site::wire::Object;
use crate::web::Tick;

/// Who may use a command. Admins may use all of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Who {
    /// Every member of the room.
    #[default]
    Anybody,
    /// Its owners and moderators.
    Moderators,
    /// Its owners.
    Owners,
    /// Nobody else.
    Admins,
}

/// Where a command is of use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Where {
    /// Everywhere.
    #[default]
    Anywhere,
    /// Not among two or a few people in a direct room.
    Rooms,
}

/// A command: how it is called, for whom it is, and what it does.
///
/// ```
/// use parlour::site::{Asked, Command, Reply, Where, Who};
///
/// let close = Command::new("clock", "Tell the time", |asked: &Asked| {
///     Reply::private(format!("{} s since 1970", asked.unix_ms() / 1000))
/// });
/// let shout = Command::new("shout", "Say it loudly", |asked: &Asked| match asked.rest() {
///     "" => Reply::wrong("Say what to shout: /shout TEXT"),
///     text => Reply::say(text.to_uppercase()),
/// });
/// let shout = shout.usage("TEXT").who(Who::Moderators).place(Where::Rooms);
/// # let _ = (close, shout);
/// ```
#[derive(Clone)]
pub struct Command {
    pub(super) name: String,
    usage: String,
    help: String,
    who: Who,
    place: Where,
    deed: Deed,
}

/// A command of this program, which may look at everything.
pub(super) type BuiltIn = fn(&mut Tick<'_, Hall>, &Asked) -> Result<Reply, Refusal>;

#[derive(Clone)]
enum Deed {
    BuiltIn(BuiltIn),
    Own(Rc<dyn Fn(&Asked) -> Reply>),
}

impl fmt::Debug for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Command")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

impl Command {
    /// A command that everybody may use everywhere. `help` is a line, and perhaps more below it.
    ///
    /// # Panics
    ///
    /// If the name is none: a letter, then letters, digits, `-` and `_`.
    pub fn new(name: &str, help: &str, deed: impl Fn(&Asked) -> Reply + 'static) -> Self {
        Self::of(name, help, Deed::Own(Rc::new(deed)))
    }

    pub(super) fn built_in(name: &str, help: &str, deed: BuiltIn) -> Self {
        Self::of(name, help, Deed::BuiltIn(deed))
    }

    fn of(name: &str, help: &str, deed: Deed) -> Self {
        assert!(is_name(name), "no command can be called {name:?}");
        Self {
            name: name.to_lowercase(),
            usage: String::new(),
            help: help.to_owned(),
            who: Who::default(),
            place: Where::default(),
            deed,
        }
    }

    /// What stands behind the name: `@NAME [TIME]`.
    #[must_use]
    pub fn usage(mut self, usage: &str) -> Self {
        usage.clone_into(&mut self.usage);
        self
    }

    /// Who may use it.
    #[must_use]
    pub const fn who(mut self, who: Who) -> Self {
        self.who = who;
        self
    }

    /// Where it is of use.
    #[must_use]
    pub const fn place(mut self, place: Where) -> Self {
        self.place = place;
        self
    }

    /// `/mute @NAME [TIME]`
    pub(super) fn how(&self) -> String {
        match self.usage.as_str() {
            "" => format!("/{}", self.name),
            usage => format!("/{} {usage}", self.name),
        }
    }

    pub(super) fn help(&self) -> &str {
        &self.help
    }

    /// What it is for, in a line.
    pub(super) fn about(&self) -> &str {
        self.help.lines().next().unwrap_or_default()
    }

    /// Whether it is of use in such a room.
    pub(super) fn fits(&self, kind: Kind) -> Result<(), Refusal> {
        if self.place == Where::Rooms && kind == Kind::Direct {
            let tell = format!("/{} is of no use in a direct conversation.", self.name);
            return Err(Refusal::forbidden(tell));
        }
        Ok(())
    }

    /// Whether somebody may use it, as far as that can be known before it is tried.
    pub(super) fn allowed(&self, standing: Standing, is_admin: bool) -> Result<(), Refusal> {
        let (least, who) = match self.who {
            Who::Anybody => return Ok(()),
            Who::Moderators => (
                Some(Standing::Moderator),
                "an owner or moderator of this room",
            ),
            Who::Owners => (Some(Standing::Owner), "an owner of this room"),
            Who::Admins => (None, "an admin"),
        };
        if is_admin || least.is_some_and(|least| standing >= least) {
            return Ok(());
        }
        Err(Refusal::forbidden(format!(
            "Only {who} may use /{}.",
            self.name
        )))
    }

    /// Whether what it does is judged when it is stored: then that is done in its turn.
    pub(super) const fn is_judged(&self) -> bool {
        matches!(self.deed, Deed::BuiltIn(_))
    }

    pub(super) fn run(&self, tick: &mut Tick<'_, Hall>, asked: &Asked) -> Result<Reply, Refusal> {
        match &self.deed {
            Deed::BuiltIn(deed) => deed(tick, asked),
            Deed::Own(deed) => Ok(deed(asked)),
        }
    }
}

/// All commands of a server: the built-in ones, and whatever an app adds.
///
/// ```
/// use parlour::chat::open_in_memory;
/// use parlour::site::{self, Asked, Choices, Command, Commands, Hall, Reply};
///
/// let roll = Command::new("roll", "Roll a die", |asked: &Asked| {
///     let sides = match asked.rest() {
///         "" => Some(6),
///         sides => sides.parse().ok().filter(|sides| (2..=1000).contains(sides)),
///     };
///     match sides {
///         Some(sides) => Reply::bot(format!("@{} rolls {}", asked.user(), 1 + asked.draw(sides))),
///         None => Reply::wrong("Say how many sides it has, from 2 to 1000: /roll 20"),
///     }
/// });
/// let choices = Choices {
///     commands: Commands::new().add(roll.usage("[SIDES]")),
///     ..Choices::default()
/// };
/// let hall = Hall::open(open_in_memory("an epoch", 0)?, 1)?;
/// let app = site::app(hall, choices);
/// # let _ = app;
/// # Ok::<(), parlour::store::StoreError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Commands {
    by_name: BTreeMap<String, Rc<Command>>,
}

impl Default for Commands {
    fn default() -> Self {
        Self::new()
    }
}

impl Commands {
    /// The built-in ones.
    pub fn new() -> Self {
        let none = Self {
            by_name: BTreeMap::new(),
        };
        built_in::all().into_iter().fold(none, Self::add)
    }

    /// One more, or another one instead of one that is called the same.
    #[must_use]
    #[expect(
        clippy::should_implement_trait,
        reason = "commands are added one by one, not summed up"
    )]
    pub fn add(mut self, command: Command) -> Self {
        self.by_name.insert(command.name.clone(), Rc::new(command));
        self
    }

    /// The same without one.
    #[must_use]
    pub fn without(mut self, name: &str) -> Self {
        self.by_name.remove(name);
        self
    }

    pub(in crate::site) fn find(&self, name: &str) -> Option<Rc<Command>> {
        self.by_name.get(name).cloned()
    }

    /// Those that somebody may use in a room.
    pub(super) fn open_to(
        &self,
        kind: Kind,
        standing: Standing,
        is_admin: bool,
    ) -> impl Iterator<Item = &Rc<Command>> {
        let all = self.by_name.values();
        all.filter(move |it| it.fits(kind).is_ok() && it.allowed(standing, is_admin).is_ok())
    }

    /// What somebody is told who has typed what is none of these.
    pub(super) fn unknown(&self, asked: &Asked, name: &str) -> String {
        let open = self.open_to(asked.kind, asked.standing, asked.is_admin);
        let near = nearest(name, open.map(|it| it.name.as_str()));
        let near = near.map_or_else(String::new, |near| format!(" Did you mean /{near}?"));
        format!(
            "There is no command /{name}.{near} /help shows those that there are. To say it, begin \
             with two slashes: //{name}"
        )
    }
}

/// The commands that somebody may use, as JSON.
pub(in crate::site) fn listed(
    commands: &Commands,
    kind: Kind,
    standing: Standing,
    is_admin: bool,
    of_hooks: &[(String, Title)],
) -> String {
    let open = commands.open_to(kind, standing, is_admin);
    let theirs = of_hooks.iter().map(|(name, about)| {
        Object::new()
            .text("name", name)
            .text("usage", "[TEXT]")
            .text("about", about)
            .text("help", about)
            .end()
    });
    let each = open.map(|it| {
        Object::new()
            .text("name", &it.name)
            .text("usage", &it.usage)
            .text("about", it.about())
            .text("help", it.help())
            .end()
    });
    Object::new().array("commands", each.chain(theirs)).end()
}

//! # Passwords: hashed slowly, on a thread of their own
//!
//! Argon2id with 19 MiB and two passes, which takes some 13 ms, so it is a [`Wait`]: a handler hashes
//! or verifies and goes on when that is done.
//!
//! ```
//! use parlour::web::{Cx, Error, Reply, password};
//!
//! fn sign_up(cx: &mut Cx<'_, Vec<String>>) -> Reply<Vec<String>> {
//!     let text = cx.request.form_value("password").unwrap_or_default();
//!     password::hash(&text).then(|cx: &mut Cx<'_, Vec<String>>, hashed| {
//!         cx.state.push(hashed?);
//!         Ok::<_, Error>("welcome")
//!     })
//! }
//! ```
//!
//! There is one hasher per process, whatever apps run in it: what it needs is a core and memory, and
//! of these there is one each. It is not the helper thread, so that a rush of sign-ins delays
//! sign-ins and nothing else. It is started by the first password.
//!
//! Promises
//! 1. At most [`QUEUE_MAX`] passwords wait; the next is told so at once (503 with `Retry-After`).
//! 2. A password of more than [`PASSWORD_BYTES_MAX`] is not looked at.
//! 3. What is stored cannot make the hasher take more than a fixed amount of memory and work.
//! 4. Memory is kept from one password to the next, and given back when none came for a while.

use std::fmt;
use std::sync::OnceLock;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::time::Duration;

use argon2::{Algorithm, Argon2, Block, Params, Version};
use data_encoding::BASE64_NOPAD;

use super::error::Error;
use super::helper::{Busy, Wait};
use super::secret;
use crate::ground::priority;

/// Longer passwords are refused: nobody types them, and hashing begins with reading them.
pub const PASSWORD_BYTES_MAX: usize = 1024;

/// Passwords that may wait, about three seconds of work.
pub const QUEUE_MAX: usize = 256;

/// How long the hasher keeps its memory while nobody comes.
const KEPT: Duration = Duration::from_secs(10);

const SALT_BYTES: usize = 16;
const HASH_BYTES: usize = 32;

/// Bounds for what others have stored: memory, and memory times passes.
const MEMORY_KIB_MAX: u32 = 256 << 10;
const WORK_KIB_MAX: u64 = 2 << 20;
const LANES_MAX: u32 = 16;

/// What a hash costs to make, and so what guessing costs.
///
/// The default is the usual advice for servers. Where memory is scarce, `Cost::new(7 * 1024, 5)` is
/// taken to be worth as much for a third of it.
///
/// ```
/// use parlour::web::password::{self, Cost};
/// use parlour::web::{Cx, Reply};
///
/// /// For a machine with little memory.
/// const COST: Cost = Cost::new(7 * 1024, 5);
///
/// fn sign_up(cx: &mut Cx<'_, Vec<String>>) -> Reply<Vec<String>> {
///     let text = cx.request.form_value("password").unwrap_or_default();
///     COST.hash(&text).and_then(|cx: &mut Cx<'_, Vec<String>>, stored| {
///         cx.state.push(stored);
///         Ok("welcome")
///     })
/// }
/// # let _ = sign_up;
///
/// // What was made at another cost still fits, and is to be made anew.
/// assert!(COST.is_outdated(&password::hash_now("correct horse")?));
/// # Ok::<(), password::TooLong>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cost {
    memory_kib: u32,
    passes: u32,
}

impl Default for Cost {
    fn default() -> Self {
        Self::new(19 << 10, 2)
    }
}

/// A password has more than [`PASSWORD_BYTES_MAX`].
///
/// A handler that ends with it answers 400 and says how long one may be.
///
/// ```
/// use parlour::http::Status;
/// use parlour::web::Error;
/// use parlour::web::password::{PASSWORD_BYTES_MAX, TooLong, hash_now};
///
/// let long = "x".repeat(PASSWORD_BYTES_MAX + 1);
/// assert_eq!(hash_now(&long), Err(TooLong));
/// let told = Error::from(TooLong);
/// assert_eq!(told.status(), Status::BAD_REQUEST);
/// assert_eq!(told.message(), "a password may have 1024 bytes: choose a shorter one");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooLong;

impl fmt::Display for TooLong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "a password may have {PASSWORD_BYTES_MAX} bytes: choose a shorter one"
        )
    }
}

impl std::error::Error for TooLong {}

impl From<TooLong> for Error {
    fn from(too_long: TooLong) -> Self {
        Self::bad_request(too_long.to_string())
    }
}

/// Hashes a new password: the text to store, which has the cost and the salt in it (a PHC string).
///
/// ```
/// use parlour::web::{Cx, Reply, password};
///
/// fn sign_up(cx: &mut Cx<'_, Vec<String>>) -> Reply<Vec<String>> {
///     let text = cx.request.form_value("password").unwrap_or_default();
///     password::hash(&text).and_then(|cx: &mut Cx<'_, Vec<String>>, stored| {
///         cx.state.push(stored);
///         Ok("welcome")
///     })
/// }
/// # let _ = sign_up;
/// ```
pub fn hash(password: &str) -> Wait<Result<String, TooLong>> {
    Cost::default().hash(password)
}

/// [`hash()`] for commands, tests and the time before the loop runs: blocks for some 13 ms.
///
/// ```
/// use parlour::web::password;
///
/// let stored = password::hash_now("correct horse")?;
/// assert!(stored.starts_with("$argon2id$") && !password::is_outdated(&stored));
/// # Ok::<(), password::TooLong>(())
/// ```
pub fn hash_now(password: &str) -> Result<String, TooLong> {
    if password.len() > PASSWORD_BYTES_MAX {
        return Err(TooLong);
    }
    Ok(Cost::default().hash_now(password, &mut Vec::new()))
}

/// Whether the password is the one that was stored. What cannot be read is nobody's, and told to
/// the log.
///
/// ```
/// use parlour::web::{Cx, Reply, password};
///
/// fn sign_in(cx: &mut Cx<'_, String>) -> Reply<String> {
///     let text = cx.request.form_value("password").unwrap_or_default();
///     password::verify(&text, cx.state).then(|_, is_right| if is_right { "welcome" } else { "no" })
/// }
/// # let _ = sign_in;
/// ```
pub fn verify(password: &str, stored: &str) -> Wait<bool> {
    let (password, stored) = (password.to_owned(), stored.to_owned());
    on_hasher(move |memory| verify_now(&password, &stored, memory))
}

/// For a user who does not exist: false, after as long as [`verify`] takes, so that the time does
/// not tell who exists.
///
/// ```
/// use std::collections::HashMap;
/// use parlour::web::{Cx, Reply, password};
///
/// /// Hashed passwords by name.
/// type People = HashMap<String, String>;
///
/// fn sign_in(cx: &mut Cx<'_, People>) -> Reply<People> {
///     let name = cx.request.form_value("name").unwrap_or_default();
///     let text = cx.request.form_value("password").unwrap_or_default();
///     let fits = match cx.state.get(&name) {
///         Some(stored) => password::verify(&text, stored),
///         None => password::verify_nobody(&text),
///     };
///     fits.then(|_, fits| if fits { "welcome" } else { "that name and password are not known" })
/// }
/// # let _ = sign_in;
/// ```
pub fn verify_nobody(password: &str) -> Wait<bool> {
    Cost::default().verify_nobody(password)
}

/// Whether what is stored should be hashed anew, because it is cheaper or older than what is made
/// today. The moment for it is a sign-in, when the password is known.
///
/// ```
/// use parlour::web::{Cx, Error, Reply, password};
///
/// /// The state is the one password that there is.
/// fn sign_in(cx: &mut Cx<'_, String>) -> Reply<String> {
///     let text = cx.request.form_value("password").unwrap_or_default();
///     password::verify(&text, cx.state).then(move |cx: &mut Cx<'_, String>, fits| {
///         if !fits {
///             return Reply::of(Error::forbidden("that is not the password"));
///         }
///         if !password::is_outdated(cx.state) {
///             return Reply::of("welcome");
///         }
///         password::hash(&text).and_then(|cx: &mut Cx<'_, String>, stored| {
///             *cx.state = stored;
///             Ok("welcome")
///         })
///     })
/// }
/// # let _ = sign_in;
/// assert!(password::is_outdated("$argon2i$v=19$m=4096,t=3,p=1$c29tZXNhbHQ$aGFzaA"));
/// ```
pub fn is_outdated(stored: &str) -> bool {
    Cost::default().is_outdated(stored)
}

impl Cost {
    /// Memory in KiB and passes over it, both brought into what the hasher can do.
    pub const fn new(memory_kib: u32, passes: u32) -> Self {
        let memory_kib = match memory_kib {
            0..8 => 8,
            MEMORY_KIB_MAX.. => MEMORY_KIB_MAX,
            _ => memory_kib,
        };
        let most = (WORK_KIB_MAX / memory_kib as u64) as u32;
        let passes = match passes {
            0 => 1,
            _ if passes > most => most,
            _ => passes,
        };
        Self { memory_kib, passes }
    }

    /// [`hash()`] at this cost.
    pub fn hash(self, password: &str) -> Wait<Result<String, TooLong>> {
        // A copy of what is refused anyway would be for nothing.
        let within = password.len() <= PASSWORD_BYTES_MAX;
        let password = within.then(|| password.to_owned()).ok_or(TooLong);
        on_hasher(move |memory| Ok(self.hash_now(&password?, memory)))
    }

    /// [`verify_nobody`] at this cost.
    pub fn verify_nobody(self, password: &str) -> Wait<bool> {
        self.hash(password).map(|_| false)
    }

    /// [`is_outdated`] for this cost.
    pub fn is_outdated(self, stored: &str) -> bool {
        Stored::read(stored).is_none_or(|stored| {
            stored.version != Version::V0x13
                || stored.lanes != 1
                || stored.memory_kib != self.memory_kib
                || stored.passes != self.passes
                || stored.hash.len() < HASH_BYTES
        })
    }

    fn hash_now(self, password: &str, memory: &mut Vec<Block>) -> String {
        let mut made = Stored {
            version: Version::V0x13,
            memory_kib: self.memory_kib,
            passes: self.passes,
            lanes: 1,
            salt: secret::random_bytes::<SALT_BYTES>().to_vec(),
            hash: vec![0; HASH_BYTES],
        };
        made.hash = made
            .compute(password, memory)
            .expect("a cost is within the bounds of its making");
        made.to_string()
    }
}

fn verify_now(password: &str, stored: &str, memory: &mut Vec<Block>) -> bool {
    if password.len() > PASSWORD_BYTES_MAX {
        return false;
    }
    let Some(stored) = Stored::read(stored) else {
        log::error!("a stored password is none: it is no argon2id hash within the bounds");
        return false;
    };
    let computed = stored.compute(password, memory);
    computed.is_some_and(|hash| secret::same(&hash, &stored.hash))
}

/// What a stored text says: `$argon2id$v=19$m=19456,t=2,p=1$SALT$HASH`.
struct Stored {
    version: Version,
    memory_kib: u32,
    passes: u32,
    lanes: u32,
    salt: Vec<u8>,
    hash: Vec<u8>,
}

impl fmt::Display for Stored {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let version = u32::from(self.version);
        let (memory, passes, lanes) = (self.memory_kib, self.passes, self.lanes);
        let salt = BASE64_NOPAD.encode(&self.salt);
        let hash = BASE64_NOPAD.encode(&self.hash);
        write!(
            f,
            "$argon2id$v={version}$m={memory},t={passes},p={lanes}${salt}${hash}"
        )
    }
}

impl Stored {
    fn read(text: &str) -> Option<Self> {
        let mut parts = text.strip_prefix("$argon2id$v=")?.split('$');
        let version = parts.next()?.parse::<u32>().ok()?;
        let mut costs = parts.next()?.split(',');
        let mut cost = |name: &str| -> Option<u32> {
            let value = costs.next()?.strip_prefix(name)?.strip_prefix('=')?;
            value.parse().ok()
        };
        let (memory_kib, passes, lanes) = (cost("m")?, cost("t")?, cost("p")?);
        let mut bytes = || BASE64_NOPAD.decode(parts.next()?.as_bytes()).ok();
        let (salt, hash) = (bytes()?, bytes()?);
        let work = u64::from(memory_kib) * u64::from(passes);
        let bounded = memory_kib <= MEMORY_KIB_MAX
            && work <= WORK_KIB_MAX
            && lanes <= LANES_MAX
            && (8..=64).contains(&salt.len())
            && (16..=64).contains(&hash.len());
        let whole = parts.next().is_none() && costs.next().is_none();
        (bounded && whole).then_some(Self {
            version: Version::try_from(version).ok()?,
            memory_kib,
            passes,
            lanes,
            salt,
            hash,
        })
    }

    /// The hash of a password with this salt and cost; nothing if there is no such cost.
    fn compute(&self, password: &str, memory: &mut Vec<Block>) -> Option<Vec<u8>> {
        let length = self.hash.len();
        let params = Params::new(self.memory_kib, self.passes, self.lanes, Some(length)).ok()?;
        if memory.len() < params.block_count() {
            memory.resize(params.block_count(), Block::default());
        }
        let mut hash = vec![0; length];
        Argon2::new(Algorithm::Argon2id, self.version, params)
            .hash_password_into_with_memory(password.as_bytes(), &self.salt, &mut hash, memory)
            .ok()?;
        Some(hash)
    }
}

type Job = Box<dyn FnOnce(&mut Vec<Block>) + Send>;

fn on_hasher<T: Send + 'static>(
    work: impl FnOnce(&mut Vec<Block>) -> T + Send + 'static,
) -> Wait<T> {
    static QUEUE: OnceLock<SyncSender<Job>> = OnceLock::new();
    Wait::on(move |back| {
        let job: Job = Box::new(move |memory| back.hand(work(memory)));
        let queue = QUEUE.get_or_init(start);
        queue.try_send(job).map_err(|_| Busy)
    })
}

/// The thread is there from the first password on, until the process ends.
#[expect(
    clippy::disallowed_methods,
    reason = "this is where the hasher is started, which all apps of a process share"
)]
fn start() -> SyncSender<Job> {
    let (jobs, queue) = sync_channel(QUEUE_MAX);
    std::thread::spawn(move || work_off(&queue));
    jobs
}

/// Somebody who signs in can wait for a moment, a conversation cannot.
fn work_off(queue: &Receiver<Job>) {
    priority::after_others();
    let mut memory = Vec::new();
    loop {
        match queue.recv_timeout(KEPT) {
            Ok(job) => super::helper::do_job(|| job(&mut memory)),
            Err(RecvTimeoutError::Timeout) => memory = Vec::new(),
            Err(RecvTimeoutError::Disconnected) => return,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const CHEAP: Cost = Cost::new(64, 1);

    fn hashed(password: &str) -> String {
        CHEAP.hash_now(password, &mut Vec::new())
    }

    fn fits(password: &str, stored: &str) -> bool {
        verify_now(password, stored, &mut Vec::new())
    }

    #[test]
    fn a_password_fits_what_was_made_of_it_and_nothing_else() {
        let stored = hashed("correct horse");
        assert!(stored.starts_with("$argon2id$v=19$m=64,t=1,p=1$"));
        assert!(fits("correct horse", &stored));
        for wrong in ["", "correct hors", "correct horse ", "Correct horse"] {
            assert!(!fits(wrong, &stored), "{wrong:?}");
        }
        assert_ne!(stored, hashed("correct horse"), "salts differ");
    }

    #[test]
    fn memory_may_be_dirty_and_larger_than_needed() {
        let mut memory = Vec::new();
        let stored = CHEAP.hash_now("a", &mut memory);
        Cost::new(128, 2).hash_now("b", &mut memory);
        assert!(verify_now("a", &stored, &mut memory));
        assert_eq!(memory.len(), 128);
    }

    #[test]
    fn what_others_made_is_read() {
        // From the reference program:
        // echo -n password | argon2 somesalt -id -t 2 -m 16 -p 1 -l 32 -e
        let stored = "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$\
                      CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc";
        assert!(fits("password", stored));
        assert!(!fits("passwords", stored));
        assert!(is_outdated(stored));
    }

    #[test]
    fn what_is_no_hash_fits_nothing() {
        let good = hashed("a");
        let spoilt = [
            String::new(),
            "a".to_owned(),
            good.replace("argon2id", "argon2i"),
            good.replace("v=19", "v=20"),
            good.replace("v=19$", ""),
            good.replace("m=64", "m=4294967295"),
            good.replace("m=64,t=1", "m=262144,t=9"),
            good.replace("m=64", "m=-1"),
            good.replace("t=1", "t=0"),
            good.replace("p=1", "p=0"),
            good.replace("p=1", "p=1,x=1"),
            good.replace(",p=1", ""),
            format!("{good}$"),
            format!("{good}="),
            good[..good.len() - 30].to_owned(),
        ];
        for stored in spoilt {
            assert!(!fits("a", &stored), "{stored}");
        }
    }

    #[test]
    fn what_is_too_long_is_refused() {
        let long = "x".repeat(PASSWORD_BYTES_MAX + 1);
        let stored = hashed(&long);
        assert!(!fits(&long, &stored));
        assert!(fits(&long[1..], &hashed(&long[1..])));
    }

    #[test]
    fn only_another_cost_is_outdated() {
        let today = Cost::default().hash_now("a", &mut Vec::new());
        assert!(!is_outdated(&today));
        assert!(Cost::new(19 << 10, 3).is_outdated(&today));
        assert!(is_outdated(&hashed("a")));
        assert!(is_outdated("junk"));
    }

    #[test]
    fn costs_are_brought_into_bounds() {
        let extremes = [0, 1, 7, 8, 1 << 20, u32::MAX];
        for memory_kib in extremes {
            for passes in extremes {
                let Cost { memory_kib, passes } = Cost::new(memory_kib, passes);
                assert!(Params::new(memory_kib, passes, 1, Some(HASH_BYTES)).is_ok());
                assert!(u64::from(memory_kib) * u64::from(passes) <= WORK_KIB_MAX);
            }
        }
        assert_eq!((CHEAP.memory_kib, CHEAP.passes), (64, 1));
    }

    proptest! {
        #[test]
        fn reading_never_panics(text in "(\\$argon2id)?(\\$v=19)?\\$[mtp=,0-9$A-Za-z+/]{0,60}") {
            let _ = Stored::read(&text);
            let _ = is_outdated(&text);
        }
    }
}

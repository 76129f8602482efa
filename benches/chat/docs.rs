//! # Documents: recall, importing much, and the chat beside it
//!
//! First whether questions find what answers them, on `benches/docs/`. Then 50 MB of text made from a
//! seeded vocabulary are imported by the command line: what that took, and how long questions take among
//! all of it. In a row of its own, the same import while a server talks at a steady pace on the same
//! folder, which needs a machine that does nothing else.

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use parlour::ground::priority;
use parlour::ground::seed::Seed;
use parlour::knowledge::{Base, Library, search};

use crate::Outcome;
use crate::client::scratch;
use crate::durable::place;
use crate::measure::{Durations, disk, millis};
use crate::pace::{Talk, town};
use crate::recall;
use crate::server::Server;

const BYTES: usize = 50_000_000;
const FILE_BYTES: usize = 100_000;
const WORDS: usize = 40_000;
const QUESTIONS: usize = 200;

/// Longer than an import may take.
const PATIENCE: Duration = Duration::from_secs(300);

/// Recall, an import alone, and questions to what was imported.
pub(crate) fn run() -> Outcome {
    tell_recall()?;
    let folder = tempfile::tempdir_in(place()?)?;
    let texts = folder.path().join("texts");
    let vocabulary = vocabulary();
    let bytes = write(&texts, &vocabulary)?;
    let data = folder.path().join("data");
    fs::create_dir(&data)?;
    town(&data, "x")?;
    let mut import = Import::begin(&data, &texts)?;
    while !import.is_over()? {
        std::thread::sleep(Duration::from_millis(20));
    }
    import.tell(bytes)?;
    ask(&data, &vocabulary)
}

/// Deliveries at a steady pace: without an import, while one runs on the same folder, and while a thread
/// of the same priority does nothing but compute, which no import can do without.
pub(crate) fn beside() -> Outcome {
    let folder = tempfile::tempdir_in(place()?)?;
    let texts = folder.path().join("texts");
    let bytes = write(&texts, &vocabulary())?;
    let data = folder.path().join("data");
    fs::create_dir(&data)?;
    town(&data, "x")?;
    let server = Server::chat(&data)?;
    println!("    {}", disk(folder.path())?);
    let mut scratch = scratch();
    let mut talk = Talk::begin(&server, &mut scratch)?;
    talk.go_on(Duration::from_secs(2), &mut scratch, |_| Ok(true))?;
    let mut alone = talk.go_on(Duration::from_secs(15), &mut scratch, |_| Ok(true))?;
    tell_pace("without an import", &mut alone);
    let mut import = Import::begin(&data, &texts)?;
    let mut both = talk.go_on(PATIENCE, &mut scratch, |_| Ok(!import.is_over()?))?;
    tell_pace("while one runs", &mut both);
    import.tell(bytes)?;
    let is_over = Arc::new(AtomicBool::new(false));
    let seen = Arc::clone(&is_over);
    let computing = std::thread::spawn(move || {
        priority::after_others();
        while !seen.load(Ordering::Relaxed) {
            std::hint::spin_loop();
        }
    });
    let control = talk.go_on(Duration::from_secs(15), &mut scratch, |_| Ok(true));
    is_over.store(true, Ordering::Relaxed);
    computing.join().map_err(|_| "computing failed")?;
    tell_pace("while a thread computes", &mut control?);
    Ok(())
}

fn tell_recall() -> Outcome {
    let recall = recall::measure()?;
    for line in &recall.lines {
        println!("    {line}");
    }
    let parts = [
        ("all", recall.all()),
        ("English", recall.latin),
        ("Chinese and Japanese", recall.wide),
    ];
    for (name, part) in parts {
        println!(
            "  {name}: {} questions to {} passages, recall {:.3} at 1 (at least 0.7), {:.3} at 3 \
             (at least 0.85), {:.3} answered",
            part.of,
            recall.passages,
            part.first(),
            part.third(),
            part.answered()
        );
    }
    let unknown = recall.unknown;
    println!(
        "  without an answer: {} questions, {:.3} answered",
        unknown.of,
        unknown.answered()
    );
    Ok(())
}

fn tell_pace(when: &str, times: &mut Durations) {
    println!(
        "  deliveries {when}: {}, p50 {:.2} ms, p99 {:.2} ms, p99.9 {:.2} ms",
        times.len(),
        millis(times.quantile(0.5)),
        millis(times.quantile(0.99)),
        millis(times.quantile(0.999)),
    );
}

// ---------------------------------------------------------------------------------------- texts

/// Words of syllables, each once in most cases.
fn vocabulary() -> Vec<String> {
    const HEADS: [&str; 16] = [
        "b", "br", "d", "f", "g", "h", "k", "l", "m", "n", "p", "r", "s", "st", "t", "w",
    ];
    const TAILS: [&str; 12] = [
        "a", "an", "ar", "e", "el", "en", "i", "ing", "o", "or", "u", "und",
    ];
    let mut seed = Seed::new(6);
    let mut draw = |of: &[&'static str]| of[seed.below(of.len() as u64) as usize];
    let word = |number: usize| -> String {
        let syllables = 1 + number * 3 / WORDS + number % 2;
        let pairs = (0..syllables).map(|_| format!("{}{}", draw(&HEADS), draw(&TAILS)));
        pairs.collect()
    };
    (0..WORDS).map(word).collect()
}

/// A word, the first ones far more often than the last.
fn draw<'v>(seed: &mut Seed, vocabulary: &'v [String]) -> &'v str {
    let share = seed.below(1 << 20) as f64 / f64::from(1 << 20);
    let at = (share.powi(4) * vocabulary.len() as f64) as usize;
    &vocabulary[at.min(vocabulary.len() - 1)]
}

/// Writes the texts; how many bytes they have.
fn write(folder: &Path, vocabulary: &[String]) -> Outcome<usize> {
    fs::create_dir(folder)?;
    let mut seed = Seed::new(7);
    let mut written = 0;
    for number in 0.. {
        if written >= BYTES {
            break;
        }
        let mut text = format!("# {} {number}\n", draw(&mut seed, vocabulary));
        while text.len() < FILE_BYTES {
            text.push_str(&format!("\n## {}\n\n", draw(&mut seed, vocabulary)));
            for word in 0..120 {
                text.push_str(draw(&mut seed, vocabulary));
                text.push_str(if word % 14 == 13 { ".\n" } else { " " });
            }
        }
        written += text.len();
        fs::write(folder.join(format!("{number:04}.md")), text)?;
    }
    Ok(written)
}

// --------------------------------------------------------------------------------------- import

/// A command that imports.
struct Import {
    child: Child,
    begun: Instant,
    lasted: Option<Duration>,
    /// The most memory that it had, in KiB, and the CPU time that it took, as seen last.
    kib: u64,
    cpu: Duration,
    looked: Instant,
}

impl Import {
    fn begin(data: &Path, texts: &Path) -> Outcome<Self> {
        let program =
            std::env::var("PARLOUR").unwrap_or_else(|_| env!("CARGO_BIN_EXE_parlour").to_owned());
        let mut command = Command::new(program);
        command
            .args(["docs", "import", "--data"])
            .arg(data)
            .arg(texts);
        Ok(Self {
            child: command.stdout(Stdio::null()).spawn()?,
            begun: Instant::now(),
            lasted: None,
            kib: 0,
            cpu: Duration::ZERO,
            looked: Instant::now(),
        })
    }

    fn is_over(&mut self) -> Outcome<bool> {
        if self.looked.elapsed() < Duration::from_millis(20) {
            return Ok(false);
        }
        self.looked = Instant::now();
        let own = format!("/proc/{}", self.child.id());
        if let Ok(status) = fs::read_to_string(format!("{own}/status")) {
            let line = status.lines().find_map(|it| it.strip_prefix("VmHWM:"));
            let kib = line.and_then(|it| it.split_whitespace().next()?.parse().ok());
            self.kib = self.kib.max(kib.unwrap_or(0));
        }
        if let Ok(stat) = fs::read_to_string(format!("{own}/stat")) {
            // Behind the name: the eleventh and the twelfth, in hundredths of a second.
            let behind = stat.rsplit(')').next().unwrap_or_default();
            let ticks = behind.split_whitespace().skip(11).take(2);
            let ticks: u64 = ticks.filter_map(|it| it.parse::<u64>().ok()).sum();
            self.cpu = self.cpu.max(Duration::from_millis(ticks * 10));
        }
        let Some(status) = self.child.try_wait()? else {
            return Ok(false);
        };
        self.lasted = Some(self.begun.elapsed());
        match status.success() {
            true => Ok(true),
            false => Err("the import failed".into()),
        }
    }

    fn tell(&self, bytes: usize) -> Outcome {
        let lasted = self.lasted.ok_or("the import takes too long")?;
        println!(
            "  import: {:.1} MB in {:.1} s (at most 60), {:.1} s of CPU, {:.1} MiB of memory (at most 100)",
            bytes as f64 / 1e6,
            lasted.as_secs_f64(),
            self.cpu.as_secs_f64(),
            self.kib as f64 / 1024.0
        );
        Ok(())
    }
}

impl Drop for Import {
    fn drop(&mut self) {
        // What cannot be ended has ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

// ------------------------------------------------------------------------------------ questions

fn ask(data: &Path, vocabulary: &[String]) -> Outcome {
    let library = Library::beside(data);
    let reader = library.open()?.reader()?;
    let mut seed = Seed::new(8);
    let mut times = Durations::default();
    for _ in 0..QUESTIONS {
        let words: Vec<&str> = (0..6).map(|_| draw(&mut seed, vocabulary)).collect();
        let question = format!("How does {}?", words.join(" "));
        let begun = Instant::now();
        reader.query(|tables| search(tables, &[Base::SERVER], &question, 3))?;
        times.add(begun.elapsed());
    }
    println!(
        "  {QUESTIONS} questions among all of it: p50 {:.1} ms, p99 {:.1} ms; docs.db has {:.1} MB",
        millis(times.quantile(0.5)),
        millis(times.quantile(0.99)),
        fs::metadata(data.join("docs.db"))?.len() as f64 / 1e6
    );
    Ok(())
}

//! # Nearest: the word that somebody may have meant

use super::words::distance;

/// The word among those known that somebody may have meant.
pub fn nearest<'a>(word: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let near = known.map(|known| (distance(word, known), known));
    let (distance, near) = near.min_by_key(|(distance, _)| *distance)?;
    let short = word.chars().count().min(near.chars().count());
    // A third of the letters wrong is another word.
    (distance <= 1 + short / 4 && distance < short).then_some(near)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_is_known_and_another_word_is_not() {
        let near = |word| nearest(word, ["help", "remind", "me"].into_iter());
        assert_eq!(near("hepl"), Some("help"));
        assert_eq!(near("remindd"), Some("remind"));
        assert_eq!(near("xyzzy"), None);
        assert_eq!(near(""), None);
    }
}

//! How fast output is masked: with fifty secrets, on one core, for several kinds of output.
//!
//! `cargo bench --bench mask`

use divan::Bencher;
use divan::counter::BytesCount;
use flightdeck::text::mask::Masker;

const BYTES: usize = 32 << 20;
/// What is read from a terminal at once, at most.
const GULP: usize = 256 << 10;

fn main() {
    divan::main();
}

/// Numbers that look random and are the same each time.
struct Dice(u64);

impl Dice {
    fn roll(&mut self) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize
    }

    fn of(&mut self, letters: &[u8], count: usize) -> String {
        (0..count).map(|_| char::from(letters[self.roll() % letters.len()])).collect()
    }
}

const TOKEN: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
const PASSWORD: &[u8] = b"abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789!@#$%&/?+ \"'";

/// Tokens, passwords, and a private key among them.
fn secrets() -> Vec<(String, String)> {
    let mut dice = Dice(1);
    let mut secrets: Vec<_> = (0..49)
        .map(|n| match n % 3 {
            0 => (format!("TOKEN_{n}"), format!("ghp_{}", dice.of(TOKEN, 36))),
            1 => (format!("KEY_{n}"), dice.of(TOKEN, 40)),
            _ => (format!("PASSWORD_{n}"), dice.of(PASSWORD, 16)),
        })
        .collect();
    let lines: Vec<_> = (0..26).map(|_| dice.of(TOKEN, 64)).collect();
    let key = format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", lines.join("\n"));
    secrets.push(("PRIVATE_KEY".to_owned(), key));
    secrets
}

fn masker() -> Masker {
    let secrets = secrets();
    let known = secrets.iter().map(|(name, value)| (name.as_str(), value.as_bytes()));
    Masker::new(known).expect("they are long enough")
}

#[derive(Debug, Clone, Copy)]
enum Output {
    /// What a build or a deploy prints.
    Log,
    /// The same with a colour or two in each line.
    Coloured,
    /// One line without an end, as in an image printed by mistake.
    Base64,
    /// A log in which each tenth line tells a secret.
    Telling,
}

impl Output {
    const ALL: [Self; 4] = [Self::Log, Self::Coloured, Self::Base64, Self::Telling];

    fn text(self) -> Vec<u8> {
        let mut dice = Dice(7);
        let secrets = secrets();
        let mut text = String::with_capacity(BYTES + 1000);
        while text.len() < BYTES {
            let n = dice.roll();
            let line = format!(
                "layer {} pushed to registry.test/payments:v1.2.{} in {} ms",
                n % 97,
                n % 31,
                n % 9999
            );
            let line = match self {
                Self::Coloured => format!("\u{1b}[32m✓\u{1b}[0m {line} \u{1b}[1;34mdone\u{1b}[0m\r\n"),
                Self::Base64 => dice.of(TOKEN, 1000),
                Self::Telling if n.is_multiple_of(10) => format!("{line} with {}\r\n", secrets[n % 49].1),
                Self::Log | Self::Telling => format!("{line}\r\n"),
            };
            text.push_str(&line);
        }
        text.into_bytes()
    }
}

#[divan::bench(args = Output::ALL, sample_count = 20, sample_size = 1)]
fn mask_with_50_secrets(bencher: Bencher<'_, '_>, output: Output) {
    let (masker, text) = (masker(), output.text());
    let mut out = Vec::with_capacity(GULP * 2);
    bencher.counter(BytesCount::new(text.len())).bench_local(|| {
        let mut stream = masker.stream();
        for piece in text.chunks(GULP) {
            out.clear();
            stream.feed(piece, &mut out);
            divan::black_box(&out);
        }
        stream.finish(&mut out);
    });
}

/// The yardstick: the same bytes copied.
#[divan::bench(sample_count = 20, sample_size = 1)]
fn a_bare_copy(bencher: Bencher<'_, '_>) {
    let text = Output::Log.text();
    let mut out = Vec::with_capacity(GULP * 2);
    bencher.counter(BytesCount::new(text.len())).bench_local(|| {
        for piece in text.chunks(GULP) {
            out.clear();
            out.extend_from_slice(piece);
            divan::black_box(&out);
        }
    });
}

/// What it costs at the start of a run.
#[divan::bench(sample_count = 50, sample_size = 1)]
fn make_a_masker_of_50_secrets(bencher: Bencher<'_, '_>) {
    bencher.bench_local(masker);
}

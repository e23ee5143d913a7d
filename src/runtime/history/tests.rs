use super::*;

/// A log in files of so many bytes, of which those given are there.
fn write(dir: &std::path::Path, bytes: &[u8], piece: usize, kept: impl Fn(usize) -> bool) {
    for (index, part) in bytes.chunks(piece).enumerate().filter(|(index, _)| kept(*index)) {
        std::fs::write(dir.join(format!("{:020}.out", index * piece)), part).unwrap();
    }
}

fn open(dir: &std::path::Path) -> Log {
    let order = Order { id: EffectId(1), run: "r".into(), dir: dir.to_owned(), want: Want::Spans };
    Log::open(&order).unwrap()
}

fn caught_up(log: &mut Log) -> Vec<Span> {
    log.catch_up(Instant::now() + Duration::from_secs(600)).unwrap();
    log.spans()
}

/// All lines, read stretch by stretch.
fn all(log: &Log) -> Vec<String> {
    let pages = log.starts().into_iter().filter_map(|at| log.read(at).unwrap());
    pages.flat_map(|(_, lines)| lines).map(|line| line.text).collect()
}

/// All places of a text, looked for a stretch at a time.
fn found(log: &mut Log, text: &str) -> Vec<Match> {
    let (mut all, mut rest) = (Vec::new(), Some((0, None)));
    while let Some((from, to)) = rest {
        let now = Instant::now();
        let Got::Found(matches, next) = log.find(&Needle::new(text), from, to, now).unwrap() else {
            panic!()
        };
        assert!(next.is_none_or(|(next, _)| next > from), "it gets on");
        all.extend(matches);
        rest = next.map(|(from, to)| (from, Some(to)));
    }
    all
}

fn numbered(lines: Range<usize>) -> Vec<u8> {
    lines.flat_map(|n| format!("\x1b[3{}mline {n}\x1b[0m\r\n", n % 8).into_bytes()).collect()
}

#[test]
fn every_line_of_a_long_log_is_in_one_stretch() {
    let dir = tempfile::tempdir().unwrap();
    let output = numbered(0..60_000);
    write(dir.path(), &output, 400_000, |_| true);
    let mut log = open(dir.path());
    let spans = caught_up(&mut log);
    assert!(spans.len() > 3, "{}", spans.len());
    assert_eq!(spans.iter().map(|span| span.lines).sum::<usize>(), 60_000);
    assert!(spans.windows(2).all(|pair| pair[0].end == pair[1].at));
    let lines = all(&log);
    assert_eq!(lines.len(), 60_000);
    assert!(lines.iter().enumerate().all(|(n, line)| *line == format!("line {n}")));
}

#[test]
fn a_log_that_grows_is_read_on_from_where_it_was() {
    let dir = tempfile::tempdir().unwrap();
    let output = numbered(0..40_000);
    let mut log = open(dir.path());
    let mut seen = 0;
    for end in [1, 7, 100_000, 300_001, output.len()] {
        write(dir.path(), &output[..end], usize::MAX, |_| true);
        let total = caught_up(&mut log).iter().map(|span| span.lines).sum::<usize>();
        assert!(total >= seen);
        seen = total;
    }
    assert_eq!(seen, 40_000);
    assert_eq!(all(&log)[39_999], "line 39999");
}

#[test]
fn what_was_dropped_is_one_line_and_what_is_around_it_is_whole() {
    let dir = tempfile::tempdir().unwrap();
    let output = numbered(0..50_000);
    let piece = 100_000;
    write(dir.path(), &output, piece, |index| !(2..7).contains(&index));
    let mut log = open(dir.path());
    caught_up(&mut log);
    let lines = all(&log);
    let gap = lines.iter().position(|line| line.contains("dropped here")).unwrap();
    assert_eq!(lines[gap], "─── 500 kB were dropped here ───");
    assert!(lines[..gap - 1].iter().enumerate().all(|(n, line)| *line == format!("line {n}")));
    let rest: Vec<_> = lines[gap + 2..].to_vec();
    let first: usize = rest[0].trim_start_matches("line ").parse().unwrap();
    assert!(rest.iter().enumerate().all(|(n, line)| *line == format!("line {}", first + n)));
    assert_eq!(first + rest.len(), 50_000);

    // More is dropped while it is looked at.
    for index in 7..10 {
        std::fs::remove_file(dir.path().join(format!("{:020}.out", index * piece))).unwrap();
    }
    let spans = caught_up(&mut log);
    assert_eq!(spans.iter().filter(|span| span.dropped).count(), 1);
    let lines = all(&log);
    assert_eq!(spans.iter().map(|span| span.lines).sum::<usize>(), lines.len());
    assert_eq!(lines.last().unwrap(), "line 49999");
    assert!(lines.len() < gap + rest.len());
}

#[test]
fn a_text_is_found_wherever_it_is_and_can_be_copied() {
    let dir = tempfile::tempdir().unwrap();
    let output = numbered(0..120_000);
    write(dir.path(), &output, 1 << 20, |_| true);
    let mut log = open(dir.path());
    caught_up(&mut log);
    let matches = found(&mut log, "line 4999");
    assert_eq!(matches.len(), 11);
    assert!(matches.is_sorted());
    let (from, to) = (matches[1].spot, matches[3].spot);
    let Got::Text(text) = log.text(from, to).unwrap() else { panic!() };
    assert_eq!(text, "line 49990\nline 49991\nline 49992");
    assert!(found(&mut log, "LINE").is_empty(), "an upper-case letter wants its case");
    assert_eq!(
        found(&mut open(dir.path()), "line 4999"),
        matches,
        "also while it is read for the first time"
    );
    let (first, last) = (Spot { at: 0, row: 0 }, Spot { at: log.at, row: 10 });
    let failure = log.text(first, last).unwrap_err();
    assert!(failure.cause.contains("more than"), "{failure}");
}

#[test]
fn a_line_without_an_end_does_not_take_all_memory_with_it() {
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), &vec![b'x'; 3_000_000], 1 << 20, |_| true);
    let mut log = open(dir.path());
    let spans = caught_up(&mut log);
    assert!(spans.len() > 1);
    assert_eq!(spans.iter().map(|span| span.lines).sum::<usize>(), 25_000);
    assert_eq!(all(&log).iter().map(String::len).sum::<usize>(), 3_000_000);
}

#[test]
fn no_order_takes_long_and_the_rest_is_read_when_it_is_asked_for() {
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), &numbered(0..60_000), 1 << 20, |_| true);
    let mut log = None;
    let mut order = |want| {
        let order = Order { id: EffectId(1), run: "r".into(), dir: dir.path().to_owned(), want };
        match carry_out(&mut log, &order, Duration::ZERO).unwrap() {
            Done::Read(read) => read,
            other => panic!("{other:?}"),
        }
    };
    let first = order(Want::Spans);
    assert!(first.read_to > 0 && first.read_to < first.length, "{} of {}", first.read_to, first.length);
    let mut read = first;
    while read.read_to < read.length {
        let next = order(Want::Spans);
        assert!(next.read_to > read.read_to);
        read = next;
    }
    assert_eq!(read.spans.iter().map(|span| span.lines).sum::<usize>(), 60_000);
}

#[test]
fn the_thread_answers_each_order_once() {
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), &numbered(0..500), 1 << 20, |_| true);
    let (events, told) = mpsc::channel();
    let orders = start(&events).unwrap();
    let find = Want::Find { text: "line 1".into(), from: 0, to: None };
    let wants = [Want::Spans, find, Want::Lines(vec![0]), Want::Nothing, Want::Lines(vec![0])];
    for (id, want) in wants.into_iter().enumerate() {
        let order = Order { id: EffectId(id as u64), run: "r".into(), dir: dir.path().to_owned(), want };
        orders.send(order).unwrap();
    }
    for id in 0..5 {
        let Ok(Event::Msg(Msg::Done(EffectId(done), Ok(_)))) = told.recv() else { panic!() };
        assert_eq!(done, id);
    }
}

#[test]
fn a_log_that_is_not_there_says_where_it_may_be() {
    let dir = tempfile::tempdir().unwrap();
    let (events, told) = mpsc::channel();
    let orders = start(&events).unwrap();
    let missing = dir.path().join("none");
    orders.send(Order { id: EffectId(3), run: "r".into(), dir: missing, want: Want::Spans }).unwrap();
    let Ok(Event::Msg(Msg::Done(EffectId(3), Err(failure)))) = told.recv() else { panic!() };
    assert!(failure.hint.contains("on another"), "{failure}");
}

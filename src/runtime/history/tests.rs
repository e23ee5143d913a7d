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
    assert_eq!(log.catch_up(|_| false).unwrap(), Flow::Done);
    log.spans()
}

/// All lines, read stretch by stretch.
fn all(log: &Log) -> Vec<String> {
    let pages = log.starts().into_iter().filter_map(|at| log.read(at).unwrap());
    pages.flat_map(|(_, lines)| lines).map(|line| line.text).collect()
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
    let Got::Found(matches, false) = log.find(&Needle::new("line 4999"), |_| false).unwrap() else {
        panic!()
    };
    assert_eq!(matches.len(), 11);
    let (from, to) = (matches[1].spot, matches[3].spot);
    let Got::Text(text) = log.text(from, to).unwrap() else { panic!() };
    assert_eq!(text, "line 49990\nline 49991\nline 49992");
    let Got::Found(matches, more) = log.find(&Needle::new("LINE"), |_| false).unwrap() else { panic!() };
    assert!(matches.is_empty() && !more, "an upper-case letter wants its case");
    let Got::Found(matches, more) = log.find(&Needle::new("line"), |_| false).unwrap() else { panic!() };
    assert!(matches.len() == MATCHES && more);
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
fn an_order_breaks_off_what_is_no_longer_wanted_and_each_is_answered_once() {
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), &numbered(0..60_000), 1 << 20, |_| true);
    let (events, told) = mpsc::channel();
    let orders = start(&events).unwrap();
    let wants = [
        Want::Spans,
        Want::Find("line 1".into()),
        Want::Lines(vec![0]),
        Want::Find("line 59999".into()),
        Want::Nothing,
        Want::Spans,
    ];
    let count = wants.len() as u64;
    for (id, want) in wants.into_iter().enumerate() {
        let order = Order { id: EffectId(id as u64), run: "r".into(), dir: dir.path().to_owned(), want };
        orders.send(order).unwrap();
    }
    let mut answered: Vec<u64> = Vec::new();
    let mut last = None;
    while answered.len() < count as usize {
        let event = told.recv_timeout(std::time::Duration::from_secs(60)).unwrap();
        let Event::Msg(Msg::Done(id, result)) = event else { panic!() };
        answered.push(id.0);
        if id.0 == count - 1 {
            last = Some(result.unwrap());
        }
    }
    answered.sort_unstable();
    assert_eq!(answered, (0..count).collect::<Vec<_>>());
    let Some(Done::Read(read)) = last else { panic!() };
    assert_eq!(read.spans.iter().map(|span| span.lines).sum::<usize>(), 60_000);
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

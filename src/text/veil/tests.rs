use proptest::prelude::*;

use super::*;

fn veil() -> Veil {
    Veil::new(&Private {
        secrets: vec![("TOKEN".to_owned(), Zeroizing::new(b"hunter2-Falke99".to_vec()))],
        hosts: vec!["shop.corp-net".to_owned(), "shop-7".to_owned()],
        mails: vec!["maya@mail-host".to_owned()],
        words: vec!["Project Falcon".to_owned(), "世界銀行".to_owned(), "ab".to_owned()],
    })
}

/// A screen as it is read once it is masked.
fn shown(veil: &Veil, lines: &[&str]) -> Vec<String> {
    let mut rows: Vec<Vec<char>> = lines.iter().map(|line| cells(line)).collect();
    for (y, range) in veil.find(&rows) {
        rows[y][range].fill('•');
    }
    rows.into_iter().map(|row| row.into_iter().filter(|c| *c != FILLER).collect()).collect()
}

#[test]
fn what_is_known_is_masked_in_either_case_and_keeps_its_width() {
    let veil = veil();
    for (text, expected) in [
        ("log in with hunter2-FALKE99, then", "log in with •••••••••••••••, then"),
        ("a db.shop.corp-net:5432 b", "a ••••••••••••••••:5432 b"),
        ("on shop-7, not on shop-70", "on ••••••, not on shop-70"),
        ("ask maya@mail-host now", "ask •••••••••••••• now"),
        ("PROJECT falcon's code", "••••••••••••••'s code"),
        ("für 世界銀行 da", "für •••••••• da"),
        // What is too short to be a word stays.
        ("abab", "abab"),
        // As it is written in Base64, and in an address.
        ("aHVudGVyMi1GYWxrZTk5 x", "•••••••••••••••••••• x"),
    ] {
        assert_eq!(veil.hide(text), expected, "{text}");
    }
}

#[test]
fn addresses_are_masked_though_nobody_knows_them() {
    let veil = Veil::default();
    for (text, hidden) in [
        ("see https://maya:pw@api.shop.test:8443/a?b", "maya:pw@api.shop.test"),
        ("GET http://payments:8080/health", "payments"),
        ("mail omar.k+ops@mail.shop.example.", "omar.k+ops@mail.shop.example"),
        ("git@git.shop.example:ops/x.git", "git@git.shop.example"),
        ("at 10.0.31.7:5432 and", "10.0.31.7"),
        ("at 127.0.0.1 and", "127.0.0.1"),
        ("from [2001:db8::31:7]:443", "2001:db8::31:7"),
        ("listens on ::1", "::1"),
        ("db-3.prod.svc.cluster.local is", "db-3.prod.svc.cluster.local"),
        ("host=db.shop.internal port", "db.shop.internal"),
        ("cut 10.0.3…", "10.0.3"),
        ("cut maya@sho…", "maya@sho"),
        ("cut https://api.sh…", "api.sh"),
    ] {
        assert_eq!(veil.hide(text), text.replace(hidden, &MARK.repeat(hidden.chars().count())), "{text}");
    }
}

#[test]
fn what_is_no_address_stays() {
    let veil = veil();
    for text in [
        "v1.4.2 live, 1.2.3 before, v1.2.3.4 not",
        "14:31:02 deploy.sh exited 1 in src/pool.rs:17",
        "std::fmt::Debug at main.rs, README.md, settings.local.json",
        "http://localhost:8080/health",
        "@maya in #incidents, a@b",
        "38.1 % of 212.5 ms. And so on...",
        "e.g. a hotfix, i.e. this",
        "deploy hotfix/pool-limit to staging",
        "the project of a falcon",
        "300.1.2.3 and 1.2.3.4.5",
    ] {
        assert_eq!(veil.hide(text), text);
    }
}

#[test]
fn what_goes_on_in_the_next_row_of_its_box_is_masked_in_both() {
    let lines = [
        "│ 14:31 log in with hunter2- maya ││ ✓ errors    │",
        "│       falke99 and go on         ││ ✓ latency   │",
        "│       about project             ││ falcon shop │",
        "│       falcon                    ││ x           │",
    ];
    assert_eq!(
        shown(&veil(), &lines),
        [
            "│ 14:31 log in with •••••••• maya ││ ✓ errors    │",
            "│       ••••••• and go on         ││ ✓ latency   │",
            "│       about •••••••             ││ falcon shop │",
            "│       ••••••                    ││ x           │",
        ]
    );
}

#[test]
fn what_is_left_of_a_value_at_an_edge_is_masked() {
    let lines = [
        "╭──────────────╮╭─────────────╮",
        "│ ter2-falke99 ││ a hunter2-f…│",
        "│ hunter2 said ││ …lke99 b    │",
        "│ of hunter2-f │╰──╮ nter2-fa╭╯",
        "╰──────────────╯   ╰─────────╯",
    ];
    assert_eq!(
        shown(&veil(), &lines),
        [
            "╭──────────────╮╭─────────────╮",
            "│ •••••••••••• ││ a •••••••••…│",
            "│ hunter2 said ││ …••••• b    │",
            "│ of ••••••••• │╰──╮ nter2-fa╭╯",
            "╰──────────────╯   ╰─────────╯",
        ]
    );
    assert_eq!(shown(&veil(), &["nter2-fal╭ menu"]), ["•••••••••╭ menu"]);
    // What is left at the top of a box, below a row that is free, is the end of what has moved out of it.
    let lines = ["╭─────────╮", "│         │", "│ Falke99 │", "│ Falke99 │"];
    assert_eq!(shown(&veil(), &lines)[2..], ["│ ••••••• │", "│ Falke99 │"]);
}

proptest! {
    /// No value is read in a box of any width, wherever its lines are broken.
    #[test]
    fn no_known_value_is_readable_at_any_width(
        value in "[a-z0-9]{3}[a-z0-9._@-]{2,30}[a-z0-9]{3}",
        before in "[ a-z]{0,20}",
        width in 2_usize..60,
        cut in any::<bool>(),
    ) {
        let words = vec![value.clone()];
        let veil = Veil::new(&Private { words, ..Private::default() });
        let text = format!("{before}{value}");
        let chars: Vec<char> = text.chars().collect();
        let mut pieces: Vec<String> = chars.chunks(width).map(|piece| piece.iter().collect()).collect();
        if cut && pieces.len() > 1 {
            pieces = vec![format!("{}…", chars[..width - 1].iter().collect::<String>())];
        }
        let rule = "─".repeat(width + 2);
        let mut lines = vec![format!("╭{rule}╮")];
        lines.extend(pieces.iter().map(|piece| format!("│ {piece:<width$} │")));
        lines.push(format!("╰{rule}╯"));
        let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
        let after = shown(&veil, &lines);
        let read: String = after.join("").replace(['│', '─', '╭', '╮', '╰', '╯', ' '], "");
        prop_assert!(!read.contains(&value), "{after:#?}");
        for (row, line) in after.iter().enumerate() {
            prop_assert_eq!(cells(line).len(), cells(lines[row]).len());
            for piece in value.as_bytes().windows(6) {
                let piece = std::str::from_utf8(piece).unwrap();
                // It may stand in what is before it, too.
                prop_assert!(before.contains(piece) || !line.contains(piece), "{piece} in {after:#?}");
            }
        }
    }
}

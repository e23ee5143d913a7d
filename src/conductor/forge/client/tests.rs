use reqwest::header::HeaderName;

use super::*;

fn reply(status: u16, headers: &[(&'static str, &str)], body: &str) -> Reply {
    let headers = headers
        .iter()
        .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_str(value).unwrap()));
    let (headers, body) = (headers.collect(), body.as_bytes().to_vec());
    let (took, phases) = (Duration::ZERO, exchange::Phases::default());
    let url = "http://127.0.0.1/".parse().unwrap();
    Reply { status, url, headers, body, is_end: false, redirect: None, took, phases, unfinished: None }
}

fn place(api: &str) -> Place {
    Place {
        forge: Forge::Github,
        api: api.to_owned(),
        repository: "shop/api".into(),
        owner: "shop".into(),
        token: "GITHUB_TOKEN".into(),
    }
}

fn client(api: &str) -> Result<Client, String> {
    let token = Zeroizing::new("ghp_0f3cTESTt0kenOfNobody".to_owned());
    Client::new(&place(api), Some(token), Duration::from_secs(5))
}

#[test]
fn a_limit_is_known_by_what_it_says_and_a_refusal_is_none() {
    let secs = |count| Some(Duration::from_secs(count));
    assert_eq!(limited(&reply(429, &[("retry-after", "7")], ""), None), secs(7));
    assert_eq!(limited(&reply(429, &[], ""), None), Some(LIMITED));
    let second = "You have exceeded a secondary rate limit. Please wait a few minutes before you try again.";
    assert_eq!(limited(&reply(403, &[], ""), Some(second)), Some(LIMITED));
    assert_eq!(limited(&reply(403, &[("retry-after", "30")], ""), None), secs(30));
    let reset = (Timestamp::now() + SignedDuration::from_mins(10)).as_second().to_string();
    let spent = reply(403, &[("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", &reset)], "");
    assert!(limited(&spent, None).is_some_and(|wait| wait > Duration::from_secs(500)));
    let forbidden = reply(403, &[("x-ratelimit-remaining", "4999")], "");
    assert_eq!(limited(&forbidden, Some("Resource not accessible by personal access token")), None);
    assert_eq!(limited(&reply(404, &[("x-ratelimit-remaining", "0")], ""), None), None);
}

#[test]
fn the_next_page_is_found_among_the_links() {
    let from = Url::parse("https://api.github.com/repos/shop/api/pulls").unwrap();
    let next = |link: &str| next_page(&reply(200, &[("link", link)], "").headers, &from).map(String::from);
    let both =
        "<https://api.github.com/r?page=1>; rel=\"prev\", <https://api.github.com/r?page=3>; rel=\"next\"";
    assert_eq!(next(both).as_deref(), Some("https://api.github.com/r?page=3"));
    assert_eq!(next("<https://api.github.com/r?page=9>; rel=\"last\""), None);
    assert_eq!(next("nonsense"), None);
}

#[test]
fn a_token_goes_nowhere_unencrypted_and_to_no_other_host() {
    assert!(client("http://git.shop.test/api/v3").is_err_and(|why| why.contains("not https://")));
    assert!(client("https://me:pw@git.shop.test/api/v3").is_err_and(|why| why.contains("user or password")));
    assert!(client("ftp://git.shop.test").is_err());
    let client = client("https://git.shop.test/api/v3").unwrap();
    let lost = client.url("https://evil.test/api/v3/repos").unwrap_err();
    assert_eq!(lost.kind, Kind::Unsent);
    assert!(client.url("https://git.shop.test/api/v3/repos").is_ok());
}

#[test]
fn what_it_complains_of_is_passed_on_without_the_token() {
    let client = client("https://git.shop.test/api/v3").unwrap();
    let body =
        r#"{"message":"Validation Failed","errors":[{"message":"not with ghp_0f3cTESTt0kenOfNobody"}]}"#;
    let lost = client.judge(&reply(422, &[], body)).unwrap_err();
    assert_eq!(lost.kind, Kind::Refused(422));
    assert!(
        lost.why.contains("Validation Failed; not with") && !lost.why.contains("0f3cTEST"),
        "{}",
        lost.why
    );
    let several =
        client.judge(&reply(409, &[], r#"{"message":["Another open merge request already exists: !12"]}"#));
    assert!(several.unwrap_err().why.contains("Another open merge request"));
    let kind = |status| client.judge(&reply(status, &[], "<html>")).unwrap_err().kind;
    assert_eq!((kind(502), kind(408), kind(404)), (Kind::Unclear, Kind::Unclear, Kind::Refused(404)));
    let busy = client.judge(&reply(503, &[("retry-after", "120")], "<html>")).unwrap_err();
    assert_eq!((busy.kind, busy.away()), (Kind::Busy(Duration::from_secs(120)), Duration::from_secs(120)));
    assert!(busy.why.contains("asks to wait for 2m"), "{}", busy.why);
    assert_eq!(kind(503), Kind::Unclear, "it names no time");
}

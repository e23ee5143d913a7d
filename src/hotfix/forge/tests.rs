use super::*;

fn found(remote: &str) -> Result<(Forge, String, String), String> {
    place(&PullConfig::default(), Some(remote))
        .map(|place| (place.forge, place.api, place.repository))
        .map_err(|none| none.0)
}

#[test]
fn the_remote_tells_the_place() {
    let hub = |api: &str| Ok((Forge::Github, api.to_owned(), "shop/payments-api".to_owned()));
    for remote in [
        "https://github.com/shop/payments-api.git",
        "https://github.com/shop/payments-api/",
        "git@github.com:shop/payments-api.git",
        "ssh://git@ssh.github.com:443/shop/payments-api.git",
        "https://GitHub.com/shop/payments-api",
    ] {
        assert_eq!(found(remote), hub("https://api.github.com"), "{remote}");
    }
    assert_eq!(found("git@github.shop.test:shop/payments-api"), hub("https://github.shop.test/api/v3"));
    assert_eq!(found("https://shop.ghe.com/shop/payments-api"), hub("https://api.shop.ghe.com"));
    let lab = found("https://gitlab.shop.test:8443/shop/core/payments-api.git").unwrap();
    let wanted = ("https://gitlab.shop.test:8443/api/v4".to_owned(), "shop/core/payments-api".to_owned());
    assert_eq!((lab.0, (lab.1, lab.2)), (Forge::Gitlab, wanted));
}

#[test]
fn what_cannot_be_told_is_not_guessed() {
    for remote in ["/srv/git/payments.git", "file:///srv/payments.git", "C:/x/y", "https://git.shop.test/a/b"]
    {
        assert!(found(remote).is_err(), "{remote}");
    }
    assert!(found("https://github.com/payments-api").is_err_and(|why| why.contains("`repository`")));
    let config = PullConfig {
        api: "http://127.0.0.1:4000/api/v3/".to_owned(),
        repository: "shop/payments-api".to_owned(),
        ..PullConfig::default()
    };
    let place = place(&config, Some("/srv/git/payments.git")).unwrap();
    assert_eq!((place.forge, place.owner.as_str()), (Forge::Github, "shop"));
    assert_eq!(place.api, "http://127.0.0.1:4000/api/v3");
}

#[test]
fn a_token_goes_only_where_it_is_meant_for() {
    let names = |remote: &str, api: &str, named: Option<&str>| {
        let config = PullConfig { api: api.to_owned(), ..PullConfig::default() };
        let place = place(&config, Some(remote)).unwrap();
        let sources = tokens(&place, !api.is_empty(), named);
        let line = |source: SecretSource| match source.from {
            SecretFrom::Env(name) => name,
            SecretFrom::Command(command) => command.line(),
            SecretFrom::File(path) => path,
        };
        sources.into_iter().map(line).collect::<Vec<_>>()
    };
    assert_eq!(
        names("git@github.com:a/b", "", None),
        ["GITHUB_TOKEN", "GH_TOKEN", "gh auth token --hostname github.com"]
    );
    let stranger = names("git@github.evil.test:a/b", "", None);
    assert_eq!(stranger, ["gh auth token --hostname github.evil.test"]);
    let own = names("git@github.shop.test:a/b", "", Some("github.shop.test"));
    assert_eq!(own[..2], ["GH_ENTERPRISE_TOKEN", "GITHUB_ENTERPRISE_TOKEN"]);
    let trusted = names("git@github.com:a/b", "https://git.shop.test/api/v3", None);
    assert!(trusted.contains(&"GITHUB_TOKEN".to_owned()), "{trusted:?}");
    assert_eq!(names("git@gitlab.evil.test:a/b", "", None).len(), 1);
    assert_eq!(names("git@gitlab.com:a/b", "", None)[0], "GITLAB_TOKEN");
}

#[test]
fn links_open_the_form_filled_in() {
    let text = PullText { title: "HOTFIX: a & b".into(), body: "why\n".into() };
    let hub = place(&PullConfig::default(), Some("git@github.com:shop/api.git")).unwrap();
    assert_eq!(
        link(&hub, "hotfix/x", "main", &text, &["hotfix".into()]),
        "https://github.com/shop/api/compare/main...hotfix/x?quick_pull=1&title=HOTFIX%3A%20a%20%26%20b\
         &labels=hotfix&body=why%0A"
    );
    let fork = PullConfig { repository: "upstream/api".into(), ..PullConfig::default() };
    let fork = place(&fork, Some("git@github.com:shop/api.git")).unwrap();
    assert!(
        link(&fork, "hotfix/x", "main", &text, &[]).contains("/upstream/api/compare/main...shop:hotfix/x?")
    );
    let lab = place(&PullConfig::default(), Some("git@gitlab.com:shop/api.git")).unwrap();
    assert_eq!(
        link(&lab, "hotfix/x", "main", &text, &[]),
        "https://gitlab.com/shop/api/-/merge_requests/new?merge_request%5Bsource_branch%5D=hotfix%2Fx\
         &merge_request%5Btarget_branch%5D=main&merge_request%5Btitle%5D=HOTFIX%3A%20a%20%26%20b\
         &merge_request%5Bdescription%5D=why%0A"
    );
    let long = PullText { body: "x".repeat(9000), ..text };
    assert!(!link(&hub, "hotfix/x", "main", &long, &[]).contains("body="));
}

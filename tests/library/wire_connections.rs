//! The client's connections: timeouts, the first one, refusals, and where the key goes.

use std::io::{Read, Write as _};
use std::net::TcpListener;
use std::time::Duration;

use kcode::journal::Tokens;
use kcode::model::{Class, Client, Conversation, Endpoint, ErrorKind, Model, ToolChoice};

use super::wire::{ask, ask_with, client, conversation, run};
use crate::support::kimi::{Answer, MockKimi};

#[test]
fn silence_is_an_idle_timeout() {
    for answer in [Answer::text("A.").mute(), Answer::text("A.").stall(0), Answer::text("A.").stall(100)] {
        let kimi = MockKimi::script([answer]);
        let mut endpoint = Endpoint::new(&kimi.base_url(), Some(MockKimi::KEY.into()));
        endpoint.idle_timeout = Duration::from_millis(100);
        let error = ask_with(&Client::new(&endpoint).unwrap(), &conversation()).unwrap_err();
        assert_eq!((error.kind, error.class()), (ErrorKind::IdleTimeout, Class::Retry), "{error:?}");
    }
}

#[test]
fn slow_is_not_silent() {
    let slow = Duration::from_millis(5);
    let answer = Answer::text("Slowly.").delay(slow).pace(slow).travelling(|travel| travel.comments = true);
    assert_eq!(ask(answer).unwrap().message.content, "Slowly.");
}

/// A client connects before the sandbox has been proved, and its key is sent after that.
#[test]
fn the_first_request_takes_a_connection_on_which_nothing_was_sent() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/v1", listener.local_addr().unwrap());
    let client = Client::new(&Endpoint::new(&url, Some("sk-early".into()))).unwrap();
    let request = conversation().request(Tokens(1000), ToolChoice::Auto).unwrap();
    let asked = run(async {
        client.connect().await;
        let (mut connection, _) = listener.accept().unwrap();
        connection.set_nonblocking(true).unwrap();
        let early = connection.read(&mut [0; 1]).unwrap_err().kind();
        assert_eq!(early, std::io::ErrorKind::WouldBlock, "something was sent");
        connection.set_nonblocking(false).unwrap();
        let server = std::thread::spawn(move || {
            let mut asked = vec![0; 64 << 10];
            let length = connection.read(&mut asked).unwrap();
            asked.truncate(length);
            // A failure that is none of the connection's: after one of those, kcode looks which scheme the server speaks.
            connection.write_all(b"HTTP/1.1 500 Failed\r\nContent-Length: 0\r\n\r\n").unwrap();
            asked
        });
        assert!(client.ask(&request, &mut |_| {}).await.is_err());
        server.join().unwrap()
    });
    assert!(String::from_utf8_lossy(&asked).contains("sk-early"), "it wasn't asked on that connection");
    listener.set_nonblocking(true).unwrap();
    assert!(listener.accept().is_err(), "there was another connection");
}

#[test]
fn without_a_connection_nothing_is_billed() {
    let error = ask(Answer::hang_up()).unwrap_err();
    assert_eq!((error.kind, error.may_be_billed), (ErrorKind::Network, true), "it had been sent");
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let client = Client::new(&Endpoint::new(&format!("http://{free}/v1"), None)).unwrap();
    let error = ask_with(&client, &conversation()).unwrap_err();
    assert_eq!((error.kind, error.may_be_billed), (ErrorKind::Network, false));
    assert!(error.message.contains("refused"), "{error:?}");
}

#[test]
fn each_refusal_is_told_apart_and_asked_once() {
    for (answer, kind) in [
        (Answer::unauthorized(), ErrorKind::Unauthorized),
        (Answer::forbidden(), ErrorKind::Forbidden),
        (Answer::unknown_model(), ErrorKind::UnknownModel),
        (Answer::overloaded(), ErrorKind::Overloaded),
        (Answer::rate_limited(3), ErrorKind::RateLimited),
        (Answer::quota(), ErrorKind::QuotaExhausted),
        (Answer::server_error(), ErrorKind::Server),
        (Answer::unavailable(), ErrorKind::Unavailable),
        (Answer::gateway_timeout(), ErrorKind::Unavailable),
    ] {
        let kimi = MockKimi::script([answer]);
        assert_eq!(ask_with(&client(&kimi), &conversation()).unwrap_err().kind, kind);
        assert_eq!(kimi.requests().len(), 1, "{kind:?}: retrying is not the client's");
    }
    let patient = ask(Answer::overloaded().header("Retry-After", "9")).unwrap_err();
    assert_eq!(patient.retry_after, Some(Duration::from_secs(9)));
    assert_eq!(ask(Answer::rate_limited(3)).unwrap_err().retry_after, Some(Duration::from_secs(3)));
}

#[test]
fn a_wrong_key_model_or_path_is_told_apart() {
    let kimi = MockKimi::answering(|_| Answer::text("A."));
    let kind = |base_url: &str, key: Option<&str>, model: &str| {
        let client = Client::new(&Endpoint::new(base_url, key.map(Into::into))).unwrap();
        let mut conversation = Conversation::new(model, None, "[]");
        conversation.push_user("Hello.");
        ask_with(&client, &conversation).map(|_| ()).map_err(|error| error.kind)
    };
    let (base, key) = (kimi.base_url(), Some(MockKimi::KEY));
    assert_eq!(kind(&format!("{base}/"), key, MockKimi::MODEL), Ok(()), "a slash at the end is no trouble");
    assert_eq!(kind(&base, Some("sk-other"), MockKimi::MODEL), Err(ErrorKind::Unauthorized));
    assert_eq!(kind(&base, None, MockKimi::MODEL), Err(ErrorKind::Unauthorized));
    assert_eq!(kind(&base, key, "kimi-k9"), Err(ErrorKind::UnknownModel));
    assert_eq!(kind(&format!("{base}/v1"), key, MockKimi::MODEL), Err(ErrorKind::DoubledV1));
    assert_eq!(kind(base.trim_end_matches("/v1"), key, MockKimi::MODEL), Err(ErrorKind::WrongPath));
}

#[test]
fn a_redirect_never_carries_the_key_elsewhere() {
    let elsewhere = MockKimi::answering(|_| Answer::text("A."));
    let target = format!("{}/chat/completions", elsewhere.base_url());
    for status in [301, 302, 307, 308] {
        let redirect = Answer::raw(status, "text/plain", b"").header("Location", &target);
        let error = ask(redirect).unwrap_err();
        assert_eq!((error.kind, error.class()), (ErrorKind::WrongPath, Class::GiveUp));
        assert!(error.message.contains("redirected"), "{error:?}");
    }
    assert_eq!(elsewhere.requests().len(), 0);
}

#[test]
fn a_key_is_never_shown() {
    let kimi = MockKimi::script([]);
    let shown = format!("{:?} {:?}", client(&kimi), Endpoint::new("http://x/v1", Some(MockKimi::KEY.into())));
    assert!(!shown.contains("0123456789"), "{shown}");
    assert_eq!(Client::new(&Endpoint::new("http://x/v1", Some("sk-\n".into()))).unwrap_err().kind, ErrorKind::Client);
    assert_eq!(Client::new(&Endpoint::new("not a url", None)).unwrap_err().kind, ErrorKind::Client);
}

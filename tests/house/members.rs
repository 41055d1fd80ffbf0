//! The versions of what the suites run against, for the last line of `scripts/test`.
//!
//! It asks the servers themselves, with clients of its own, and does not count as a test that stands on them.

use sqlx::{Connection as _, Row as _};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::support::ran;

fn address(variable: &str) -> String {
    std::env::var(variable).unwrap_or_else(|_| panic!("{variable} is not set: run scripts/test"))
}

/// The broker says who it is in the first frame, before anybody has logged in; the client library keeps that to itself.
#[tokio::test]
async fn rabbitmq_tells_its_version() {
    let url = address("DRAYLINE_TEST_AMQP_URL");
    let authority = url.strip_prefix("amqp://").expect("an address like amqp://user:password@host:port/vhost");
    let (host, _) = authority.rsplit_once('@').unwrap().1.split_once('/').unwrap();
    let mut stream = tokio::net::TcpStream::connect(host).await.unwrap();
    stream.write_all(b"AMQP\x00\x00\x09\x01").await.unwrap();
    let mut header = [0; 7];
    stream.read_exact(&mut header).await.unwrap();
    let length = u32::from_be_bytes(header[3..7].try_into().unwrap());
    let mut frame = vec![0; length as usize];
    stream.read_exact(&mut frame).await.unwrap();
    assert_eq!(property(&frame, "product").as_deref(), Some("RabbitMQ"));
    ran(&format!("version transport rabbitmq {}", property(&frame, "version").unwrap()));
}

/// A text of the server's properties: the length and the letters of the name, `S`, the length and the letters.
fn property(frame: &[u8], name: &str) -> Option<String> {
    let mark = [&[u8::try_from(name.len()).unwrap()], name.as_bytes(), b"S"].concat();
    let place = frame.windows(mark.len()).position(|window| window == mark)? + mark.len();
    let length = u32::from_be_bytes(frame.get(place..place + 4)?.try_into().ok()?) as usize;
    String::from_utf8(frame.get(place + 4..place + 4 + length)?.to_vec()).ok()
}

#[tokio::test]
async fn postgresql_tells_its_version() {
    let mut connection = sqlx::PgConnection::connect(&address("DRAYLINE_TEST_POSTGRES_URL")).await.unwrap();
    let row = sqlx::query("SHOW server_version").fetch_one(&mut connection).await.unwrap();
    let version: String = row.get(0);
    ran(&format!("version store postgresql {}", version.split(' ').next().unwrap()));
}

#[tokio::test]
async fn sqlite_tells_its_version() {
    let mut connection = sqlx::SqliteConnection::connect("sqlite::memory:").await.unwrap();
    let row = sqlx::query("SELECT sqlite_version()").fetch_one(&mut connection).await.unwrap();
    let version: String = row.get(0);
    ran(&format!("version store sqlite {version}"));
}

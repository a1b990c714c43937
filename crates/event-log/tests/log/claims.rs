//! An info hash belongs to one stream.

use futures::future::join_all;
use revaer_event_log::{Append, AppendError};

use crate::support::{TestLog, append, commanded, count, stream};

fn claiming(name: &str, expected: u32, hashes: &[&str]) -> Append {
    Append { claims: hashes.iter().map(ToString::to_string).collect(), ..append(name, expected, 1) }
}

fn releasing(name: &str, expected: u32, hashes: &[&str]) -> Append {
    Append { releases: hashes.iter().map(ToString::to_string).collect(), ..append(name, expected, 1) }
}

#[tokio::test]
async fn one_of_two_concurrent_claims_wins_and_the_other_learns_by_whom() {
    let test = TestLog::start().await;
    let other = test.another().await;
    for round in 0..20 {
        let hash = format!("{round:040x}");
        let (a, b) = (format!("a{round}"), format!("b{round}"));
        // Two processes; and in odd rounds one, where both may be in one batch.
        let second = if round % 2 == 0 { &other.log } else { &test.log };
        let (first, second) = tokio::join!(
            test.log.append(claiming(&a, 0, &[&hash])),
            second.append(claiming(&b, 0, &[&hash]))
        );
        let (winner, refusal) = match (first, second) {
            (Ok(_), Err(refusal)) => (a, refusal),
            (Err(refusal), Ok(_)) => (b, refusal),
            both => panic!("{both:?}"),
        };
        let AppendError::Claimed { claim, by } = refusal else { panic!("{refusal}") };
        assert_eq!((claim.as_str(), by.as_str()), (hash.as_str(), winner.as_str()));
        assert_eq!(test.log.find_claim(&hash).await.unwrap(), Some(stream(&winner)));
    }
    assert_eq!((count(&test.pool, "events").await, count(&test.pool, "claims").await), (20, 20));
}

#[tokio::test]
async fn refused_claim_leaves_nothing_of_its_append() {
    let test = TestLog::start().await;
    test.log.append(claiming("holder", 0, &["aa"])).await.unwrap();
    let refused = Append { claims: vec!["bb".into(), "aa".into()], ..commanded("late", 0, 2, 1) };
    assert!(matches!(test.log.append(refused).await, Err(AppendError::Claimed { .. })));
    assert_eq!(test.log.find_claim("bb").await.unwrap(), None);
    assert_eq!(test.log.find_command(uuid::Uuid::from_u128(1)).await.unwrap(), None);
    assert_eq!(count(&test.pool, "events").await, 1);
}

#[tokio::test]
async fn released_hash_may_be_claimed_again() {
    let test = TestLog::start().await;
    test.log.append(claiming("a", 0, &["aa", "bb"])).await.unwrap();
    // What a stream holds it may claim again, and what it doesn't hold it can't release.
    test.log.append(claiming("a", 1, &["bb", "cc", "cc"])).await.unwrap();
    test.log.append(releasing("b", 0, &["aa"])).await.unwrap();
    assert_eq!(test.log.find_claim("aa").await.unwrap(), Some(stream("a")));
    // Release and claim in flight together go in their order.
    let answers = join_all([
        test.log.append(releasing("a", 2, &["aa"])),
        test.log.append(claiming("b", 1, &["aa"])),
        test.log.append(claiming("c", 0, &["aa"])),
    ])
    .await;
    assert!(answers[0].is_ok() && answers[1].is_ok(), "{answers:?}");
    assert!(matches!(&answers[2], Err(AppendError::Claimed { by, .. }) if by.as_str() == "b"), "{answers:?}");
    assert_eq!(test.log.find_claim("aa").await.unwrap(), Some(stream("b")));
    assert_eq!(count(&test.pool, "claims").await, 3);
}

//! Tickets: what a page in a browser opens the stream with, since `EventSource` cannot send a header and a key must not stand in
//! an address, which is logged and kept in histories.
//!
//! A ticket opens one stream, once, within a minute or so, and is worth what its key is worth: nothing once that has ended. They
//! are kept in memory alone, so a restart ends them, too.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use revaer_application::Principal;
use time::OffsetDateTime;
use uuid::Uuid;

/// Tickets of all keys at once. A page takes one when it opens a stream, of which there are about as many.
const TICKETS_MAX: usize = 1024;
/// Tickets of one key at once: its oldest makes room for the next, so that no key can take the others' room.
const TICKETS_PER_KEY_MAX: usize = 64;
/// What a ticket begins with, so that one is recognised where it should not be.
const PREFIX: &str = "rvt_";

/// The tickets that are valid.
#[derive(Clone, Default)]
pub(crate) struct Tickets(Arc<Mutex<VecDeque<Ticket>>>);

/// Oldest first.
struct Ticket {
    secret: String,
    principal: Principal,
    expires_at: OffsetDateTime,
}

impl Tickets {
    /// Issues one to whoever shows a key.
    pub(crate) fn issue(
        &self,
        principal: &Principal,
        now: OffsetDateTime,
        expires_at: OffsetDateTime,
    ) -> String {
        // 244 random bits of the system.
        let secret = format!("{PREFIX}{}{}", Uuid::new_v4().simple(), Uuid::new_v4().simple());
        let mut tickets = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        tickets.retain(|ticket| ticket.is_valid(now));
        let of_key = |ticket: &&Ticket| ticket.principal.key_id == principal.key_id;
        if tickets.iter().filter(of_key).count() >= TICKETS_PER_KEY_MAX {
            let oldest = tickets.iter().position(|ticket| ticket.principal.key_id == principal.key_id);
            oldest.and_then(|oldest| tickets.remove(oldest));
        }
        if tickets.len() >= TICKETS_MAX {
            tickets.pop_front();
        }
        tickets.push_back(Ticket { secret: secret.clone(), principal: principal.clone(), expires_at });
        secret
    }

    /// Takes one in: who it was issued to, if it is valid. It is not valid again.
    pub(crate) fn redeem(&self, secret: &str, now: OffsetDateTime) -> Option<Principal> {
        let mut tickets = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let place = tickets.iter().position(|ticket| ticket.secret == secret)?;
        let ticket = tickets.remove(place)?;
        ticket.is_valid(now).then_some(ticket.principal)
    }
}

impl Ticket {
    fn is_valid(&self, now: OffsetDateTime) -> bool {
        let key_is_valid = self.principal.valid_until.is_none_or(|until| now < until);
        now < self.expires_at && key_is_valid && !self.principal.ended.is_cancelled()
    }
}

#[cfg(test)]
mod tests {
    use revaer_domain::api_key::Scope;
    use revaer_domain::values::KeyId;
    use time::Duration;
    use tokio_util::sync::CancellationToken;
    use ulid::Ulid;

    use super::*;

    const NOW: OffsetDateTime = OffsetDateTime::UNIX_EPOCH;
    const LATER: OffsetDateTime = OffsetDateTime::UNIX_EPOCH.saturating_add(Duration::MINUTE);

    fn principal(number: u128) -> Principal {
        Principal {
            actor: "key page".into(),
            key_id: KeyId::new(Ulid(number)),
            scope: Scope::Read,
            rate_limit: None,
            valid_until: None,
            ended: CancellationToken::new(),
        }
    }

    #[test]
    fn ticket_is_taken_once_and_names_its_key() {
        let tickets = Tickets::default();
        let secret = tickets.issue(&principal(7), NOW, LATER);
        assert!(tickets.redeem("rvt_", NOW).is_none());
        assert_eq!(tickets.redeem(&secret, NOW).expect("is valid").key_id, KeyId::new(Ulid(7)));
        assert!(tickets.redeem(&secret, NOW).is_none(), "once");
    }

    #[test]
    fn ticket_ends_with_its_time_and_with_its_key() {
        let tickets = Tickets::default();
        let late = tickets.issue(&principal(1), NOW, LATER);
        assert!(tickets.redeem(&late, LATER).is_none());
        let revoked = principal(2);
        let of_revoked = tickets.issue(&revoked, NOW, LATER);
        revoked.ended.cancel();
        assert!(tickets.redeem(&of_revoked, NOW).is_none());
        let expired = Principal { valid_until: Some(NOW + Duration::SECOND), ..principal(3) };
        let of_expired = tickets.issue(&expired, NOW, LATER);
        assert!(tickets.redeem(&of_expired, NOW + Duration::SECOND).is_none());
    }

    #[test]
    fn one_key_cannot_take_the_room_of_another_and_there_is_an_end_for_all() {
        let tickets = Tickets::default();
        let other = tickets.issue(&principal(1), NOW, LATER);
        let mine: Vec<_> =
            (0..10 * TICKETS_PER_KEY_MAX).map(|_| tickets.issue(&principal(2), NOW, LATER)).collect();
        assert!(tickets.redeem(&mine[0], NOW).is_none());
        assert!(tickets.redeem(&mine[mine.len() - TICKETS_PER_KEY_MAX], NOW).is_some());
        assert!(tickets.redeem(&other, NOW).is_some());
        (0..3000_u128).for_each(|number| drop(tickets.issue(&principal(10 + number), NOW, LATER)));
        assert_eq!(tickets.0.lock().expect("not poisoned").len(), TICKETS_MAX);
        tickets.issue(&principal(1), LATER, LATER + Duration::MINUTE);
        assert_eq!(tickets.0.lock().expect("not poisoned").len(), 1, "what has ended is not kept");
    }
}

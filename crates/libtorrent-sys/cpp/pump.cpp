// The pump: everything that waits in the alert queue, flattened in one crossing.
//
// Alert pointers die at the next pop; what is needed of them is copied into the arena, once.
#include <libtorrent/alert_types.hpp>
#include <libtorrent/bencode.hpp>
#include <libtorrent/write_resume_data.hpp>

#include "libtorrent-sys/cpp/session.hpp"
#include "libtorrent-sys/src/ffi.rs.h"

namespace revaer {

namespace {

// The numbers of `EventKind` in src/event.rs; both sides change together.
enum kind : std::uint8_t {
    other = 0, metadata_received = 1, state_changed = 2, finished = 3, checked = 4, paused = 5, resumed = 6,
    torrent_error = 7, file_error = 8, resume_data = 9, resume_data_failed = 10, removed = 11, deleted = 12,
    delete_failed = 13, storage_moved = 14, storage_move_failed = 15, metadata_failed = 16, tracker_error = 17,
    tracker_reply = 18, tracker_warning = 19, fastresume_rejected = 20, torrent_conflict = 21, hash_failed = 22,
    listen_failed = 23, listen_succeeded = 24, add_failed = 25, session_error = 26, performance = 27,
    tracker_announce = 28, added = 29,
};

}  // namespace

std::unique_ptr<Pump> pump_of(std::shared_ptr<Session> const& session) { return std::make_unique<Pump>(session); }

void Pump::pump() {
    guarded([&] {
        statuses_.clear();
        events_.clear();
        arena_.clear();
        stats_.clear();
        dropped_ = false;
        session_->pop_alerts(alerts_);
        for (auto const* alert : alerts_) take(*alert);
    });
}

rust::Slice<RawStatus const> Pump::statuses() const { return {statuses_.data(), statuses_.size()}; }
rust::Slice<RawEvent const> Pump::events() const { return {events_.data(), events_.size()}; }
rust::Slice<std::uint8_t const> Pump::arena() const { return {arena_.data(), arena_.size()}; }
rust::Slice<std::int64_t const> Pump::stats() const { return {stats_.data(), stats_.size()}; }

RawEvent Pump::event(lt::alert const& alert, std::uint8_t kind, std::uint64_t key) {
    RawEvent event{};
    event.key = key;
    event.kind = kind;
    put_text(event, alert.message());
    return event;
}

void Pump::put_text(RawEvent& event, std::string const& text) {
    event.text_start = arena_.size();
    event.text_length = text.size();
    arena_.insert(arena_.end(), text.begin(), text.end());
}

void Pump::put_error(RawEvent& event, lt::error_code const& error) {
    std::string const category = error.category().name();
    event.has_error = bool(error);
    event.error_code = error.value();
    event.category_start = arena_.size();
    event.category_length = category.size();
    arena_.insert(arena_.end(), category.begin(), category.end());
}

void Pump::take(lt::alert const& alert) {
    std::uint64_t key = 0;
    if (auto const* torrent = dynamic_cast<lt::torrent_alert const*>(&alert)) {
        if (torrent->handle.is_valid()) key = key_of(torrent->handle.userdata());
    }
    auto const simple = [&](std::uint8_t kind) { events_.push_back(event(alert, kind, key)); };
    auto const with_error = [&](std::uint8_t kind, lt::error_code const& error) {
        auto flat = event(alert, kind, key);
        put_error(flat, error);
        events_.push_back(flat);
    };
    switch (alert.type()) {
        case lt::state_update_alert::alert_type:
            for (auto const& status : static_cast<lt::state_update_alert const&>(alert).status)
                statuses_.push_back(flat(status));
            break;
        case lt::session_stats_alert::alert_type: {
            auto const counters = static_cast<lt::session_stats_alert const&>(alert).counters();
            stats_.assign(counters.begin(), counters.end());
            break;
        }
        case lt::alerts_dropped_alert::alert_type: dropped_ = true; break;
        case lt::metadata_received_alert::alert_type: simple(metadata_received); break;
        case lt::state_changed_alert::alert_type: {
            auto const& changed = static_cast<lt::state_changed_alert const&>(alert);
            auto flat = event(alert, state_changed, key);
            flat.a = changed.prev_state;
            flat.b = changed.state;
            events_.push_back(flat);
            break;
        }
        case lt::torrent_finished_alert::alert_type: simple(finished); break;
        case lt::torrent_checked_alert::alert_type: simple(checked); break;
        case lt::torrent_paused_alert::alert_type: simple(paused); break;
        case lt::torrent_resumed_alert::alert_type: simple(resumed); break;
        case lt::torrent_error_alert::alert_type:
            with_error(torrent_error, static_cast<lt::torrent_error_alert const&>(alert).error);
            break;
        case lt::file_error_alert::alert_type:
            with_error(file_error, static_cast<lt::file_error_alert const&>(alert).error);
            break;
        case lt::save_resume_data_alert::alert_type: {
            auto const& saved = static_cast<lt::save_resume_data_alert const&>(alert);
            auto flat = event(alert, resume_data, key);
            auto const body = lt::write_resume_data_buf(saved.params);
            flat.blob_start = arena_.size();
            flat.blob_length = body.size();
            flat.a = saved.params.have_pieces.count();
            arena_.insert(arena_.end(), body.begin(), body.end());
            events_.push_back(flat);
            break;
        }
        case lt::save_resume_data_failed_alert::alert_type: {
            auto const& error = static_cast<lt::save_resume_data_failed_alert const&>(alert).error;
            auto flat = event(alert, resume_data_failed, key);
            flat.a = error == lt::errors::resume_data_not_modified;
            put_error(flat, error);
            events_.push_back(flat);
            break;
        }
        case lt::torrent_removed_alert::alert_type:
            key = key_of(static_cast<lt::torrent_removed_alert const&>(alert).userdata);
            simple(removed);
            break;
        case lt::torrent_deleted_alert::alert_type: simple(deleted); break;
        case lt::torrent_delete_failed_alert::alert_type:
            with_error(delete_failed, static_cast<lt::torrent_delete_failed_alert const&>(alert).error);
            break;
        case lt::storage_moved_alert::alert_type: {
            auto flat = event(alert, storage_moved, key);
            put_text(flat, static_cast<lt::storage_moved_alert const&>(alert).storage_path());
            events_.push_back(flat);
            break;
        }
        case lt::storage_moved_failed_alert::alert_type:
            with_error(storage_move_failed, static_cast<lt::storage_moved_failed_alert const&>(alert).error);
            break;
        case lt::metadata_failed_alert::alert_type:
            with_error(metadata_failed, static_cast<lt::metadata_failed_alert const&>(alert).error);
            break;
        case lt::tracker_error_alert::alert_type:
            with_error(tracker_error, static_cast<lt::tracker_error_alert const&>(alert).error);
            break;
        case lt::tracker_announce_alert::alert_type: simple(tracker_announce); break;
        case lt::tracker_reply_alert::alert_type: simple(tracker_reply); break;
        case lt::tracker_warning_alert::alert_type: simple(tracker_warning); break;
        case lt::fastresume_rejected_alert::alert_type:
            with_error(fastresume_rejected, static_cast<lt::fastresume_rejected_alert const&>(alert).error);
            break;
        case lt::torrent_conflict_alert::alert_type: {
            auto const& conflict = static_cast<lt::torrent_conflict_alert const&>(alert);
            auto flat = event(alert, torrent_conflict, key);
            if (conflict.conflicting_torrent.is_valid())
                flat.a = std::int64_t(key_of(conflict.conflicting_torrent.userdata()));
            events_.push_back(flat);
            break;
        }
        case lt::hash_failed_alert::alert_type: {
            auto flat = event(alert, hash_failed, key);
            flat.a = int(static_cast<lt::hash_failed_alert const&>(alert).piece_index);
            events_.push_back(flat);
            break;
        }
        case lt::listen_failed_alert::alert_type:
            with_error(listen_failed, static_cast<lt::listen_failed_alert const&>(alert).error);
            break;
        case lt::listen_succeeded_alert::alert_type: {
            auto flat = event(alert, listen_succeeded, key);
            flat.a = static_cast<lt::listen_succeeded_alert const&>(alert).port;
            events_.push_back(flat);
            break;
        }
        case lt::add_torrent_alert::alert_type: {
            auto const& error = static_cast<lt::add_torrent_alert const&>(alert).error;
            with_error(error ? add_failed : added, error);
            break;
        }
        case lt::session_error_alert::alert_type:
            with_error(session_error, static_cast<lt::session_error_alert const&>(alert).error);
            break;
        case lt::performance_alert::alert_type: simple(performance); break;
        default: {
            RawEvent flat{};
            flat.key = key;
            flat.kind = other;
            flat.a = alert.type();
            events_.push_back(flat);
        }
    }
}

}  // namespace revaer

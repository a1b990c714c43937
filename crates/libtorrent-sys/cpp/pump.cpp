// The pump: everything that waits in the alert queue, flattened in one crossing.
//
// Alert pointers die at the next pop; what is needed of them is copied into the arena, once.
#include <libtorrent/alert_types.hpp>
#include <libtorrent/operations.hpp>
#include <libtorrent/write_resume_data.hpp>

#include "libtorrent-sys/cpp/flat.hpp"
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
    tracker_announce = 28, added = 29, file_renamed = 30, file_rename_failed = 31, alerts_dropped = 32, flushed = 33,
};

// `FileOperation` in src/event.rs knows these by number.
using op = lt::operation_t;
static_assert(int(op::file_write) == 7 && int(op::file_read) == 8 && int(op::file_stat) == 24 && int(op::file_copy) == 25
    && int(op::file_fallocate) == 26 && int(op::file_hard_link) == 27 && int(op::file_remove) == 28
    && int(op::file_rename) == 29 && int(op::file_open) == 30 && int(op::mkdir) == 31 && int(op::file_truncate) == 46);

// What a burst of resume data leaves behind is given back.
constexpr std::size_t arena_kept_bytes_max = 16 * 1024 * 1024;

template <typename Alert>
Alert const& as(lt::alert const& alert) {
    return static_cast<Alert const&>(alert);
}

}  // namespace

std::unique_ptr<Pump> pump_of(std::shared_ptr<Session> const& session) {
    return guarded([&] { return std::make_unique<Pump>(session); });
}

Pump::Pump(std::shared_ptr<Session> session) : session_(std::move(session)) {}
Pump::~Pump() = default;

void Pump::pump() {
    clear();
    session_->with_session([&](lt::session& session) {
        session.pop_alerts(&alerts_);
        for (auto const* alert : alerts_) {
            try {
                take(*alert);
            } catch (std::exception const&) {
                // One alert that cannot be flattened counts as lost; those behind it are still told.
                dropped_ = true;
            }
        }
        if (dropped_) session_->meet_all(session);
        for (auto const& status : session_->take_asked(session)) put_status(status);
    });
}

rust::Slice<RawStatus const> Pump::statuses() const { return {statuses_.data(), statuses_.size()}; }
rust::Slice<RawEvent const> Pump::events() const { return {events_.data(), events_.size()}; }
rust::Slice<std::uint8_t const> Pump::arena() const { return {arena_.data(), arena_.size()}; }
rust::Slice<std::int64_t const> Pump::stats() const { return {stats_.data(), stats_.size()}; }

void Pump::clear() {
    alerts_.clear();
    statuses_.clear();
    events_.clear();
    if (arena_.capacity() > arena_kept_bytes_max) std::vector<std::uint8_t>().swap(arena_);
    arena_.clear();
    stats_.clear();
    dropped_ = false;
}

void Pump::put_status(lt::torrent_status const& status) {
    auto const flattened = flat(status);
    // A torrent that was removed meanwhile has lost its key.
    if (flattened.key != 0) statuses_.push_back(flattened);
}

RawEvent Pump::event(std::uint8_t kind, std::uint64_t key) const {
    RawEvent event{};
    event.key = key;
    event.kind = kind;
    return event;
}

void Pump::put(RawEvent event, std::string const& text, char const* path, lt::error_code const* error) {
    // Messages hold names that strangers chose, so they are made UTF-8 on the way.
    auto const append = [&](std::string const& part, std::size_t& start, std::size_t& length) {
        rust::String const utf8 = text_of(part);
        start = arena_.size();
        length = utf8.size();
        arena_.insert(arena_.end(), utf8.begin(), utf8.end());
    };
    append(text, event.text_start, event.text_length);
    append(path, event.path_start, event.path_length);
    if (error != nullptr && *error) {
        event.has_error = true;
        event.error_code = error->value();
        append(error->category().name(), event.category_start, event.category_length);
    }
    events_.push_back(event);
}

void Pump::take(lt::alert const& alert) {
    std::uint64_t key = 0;
    if (auto const* torrent = dynamic_cast<lt::torrent_alert const*>(&alert)) {
        // Empty once the torrent is gone.
        key = key_of(torrent->handle.userdata());
        // Alerts may speak of a torrent before the one that says it was added.
        if (key != 0) session_->meet(key, torrent->handle);
    }
    auto const simple = [&](std::uint8_t kind, char const* path = "") { put(event(kind, key), alert.message(), path); };
    auto const failed = [&](std::uint8_t kind, lt::error_code const& error, char const* path = "") {
        put(event(kind, key), alert.message(), path, &error);
    };
    switch (alert.type()) {
        case lt::state_update_alert::alert_type:
            for (auto const& status : as<lt::state_update_alert>(alert).status) put_status(status);
            break;
        case lt::session_stats_alert::alert_type: {
            auto const counters = as<lt::session_stats_alert>(alert).counters();
            stats_.assign(counters.begin(), counters.end());
            break;
        }
        case lt::alerts_dropped_alert::alert_type:
            dropped_ = true;
            simple(alerts_dropped);
            break;
        case lt::metadata_received_alert::alert_type: simple(metadata_received); break;
        case lt::state_changed_alert::alert_type: {
            auto const& changed = as<lt::state_changed_alert>(alert);
            auto flat = event(state_changed, key);
            flat.a = changed.prev_state;
            flat.b = changed.state;
            put(flat, alert.message());
            break;
        }
        case lt::torrent_finished_alert::alert_type: simple(finished); break;
        case lt::torrent_checked_alert::alert_type: simple(checked); break;
        case lt::torrent_paused_alert::alert_type: simple(paused); break;
        case lt::torrent_resumed_alert::alert_type: simple(resumed); break;
        case lt::torrent_error_alert::alert_type: {
            auto const& error = as<lt::torrent_error_alert>(alert);
            failed(torrent_error, error.error, error.filename());
            break;
        }
        case lt::file_error_alert::alert_type: {
            auto const& error = as<lt::file_error_alert>(alert);
            auto flat = event(file_error, key);
            flat.a = std::int64_t(error.op);
            put(flat, alert.message(), error.filename(), &error.error);
            break;
        }
        case lt::file_renamed_alert::alert_type: simple(file_renamed, as<lt::file_renamed_alert>(alert).new_name()); break;
        case lt::file_rename_failed_alert::alert_type:
            failed(file_rename_failed, as<lt::file_rename_failed_alert>(alert).error);
            break;
        case lt::save_resume_data_alert::alert_type: {
            auto const& saved = as<lt::save_resume_data_alert>(alert);
            auto flat = event(resume_data, key);
            auto const body = lt::write_resume_data_buf(saved.params);
            flat.blob_start = arena_.size();
            flat.blob_length = body.size();
            flat.a = saved.params.have_pieces.count();
            arena_.insert(arena_.end(), body.begin(), body.end());
            put(flat, std::string());
            break;
        }
        case lt::save_resume_data_failed_alert::alert_type: {
            auto const& error = as<lt::save_resume_data_failed_alert>(alert).error;
            auto flat = event(resume_data_failed, key);
            flat.a = error == lt::errors::resume_data_not_modified;
            put(flat, alert.message(), "", &error);
            break;
        }
        case lt::torrent_removed_alert::alert_type:
            key = key_of(as<lt::torrent_removed_alert>(alert).userdata);
            simple(removed);
            break;
        case lt::torrent_deleted_alert::alert_type:
            key = session_->take_leaving(as<lt::torrent_deleted_alert>(alert).info_hashes);
            simple(deleted);
            break;
        case lt::torrent_delete_failed_alert::alert_type: {
            auto const& error = as<lt::torrent_delete_failed_alert>(alert);
            key = session_->take_leaving(error.info_hashes);
            failed(delete_failed, error.error);
            break;
        }
        case lt::storage_moved_alert::alert_type: {
            auto const* const path = as<lt::storage_moved_alert>(alert).storage_path();
            put(event(storage_moved, key), path, path);
            break;
        }
        case lt::storage_moved_failed_alert::alert_type: {
            auto const& error = as<lt::storage_moved_failed_alert>(alert);
            failed(storage_move_failed, error.error, error.file_path());
            break;
        }
        case lt::metadata_failed_alert::alert_type:
            failed(metadata_failed, as<lt::metadata_failed_alert>(alert).error);
            break;
        case lt::tracker_error_alert::alert_type: {
            auto const& error = as<lt::tracker_error_alert>(alert);
            failed(tracker_error, error.error, error.tracker_url());
            break;
        }
        case lt::tracker_announce_alert::alert_type:
            simple(tracker_announce, as<lt::tracker_announce_alert>(alert).tracker_url());
            break;
        case lt::tracker_reply_alert::alert_type:
            simple(tracker_reply, as<lt::tracker_reply_alert>(alert).tracker_url());
            break;
        case lt::tracker_warning_alert::alert_type:
            simple(tracker_warning, as<lt::tracker_warning_alert>(alert).tracker_url());
            break;
        case lt::fastresume_rejected_alert::alert_type: {
            auto const& error = as<lt::fastresume_rejected_alert>(alert);
            failed(fastresume_rejected, error.error, error.file_path());
            break;
        }
        case lt::torrent_conflict_alert::alert_type: {
            auto flat = event(torrent_conflict, key);
            flat.a = std::int64_t(key_of(as<lt::torrent_conflict_alert>(alert).conflicting_torrent.userdata()));
            put(flat, alert.message());
            break;
        }
        case lt::hash_failed_alert::alert_type: {
            auto flat = event(hash_failed, key);
            flat.a = int(as<lt::hash_failed_alert>(alert).piece_index);
            put(flat, alert.message());
            break;
        }
        case lt::listen_failed_alert::alert_type: failed(listen_failed, as<lt::listen_failed_alert>(alert).error); break;
        case lt::listen_succeeded_alert::alert_type: {
            auto flat = event(listen_succeeded, key);
            flat.a = as<lt::listen_succeeded_alert>(alert).port;
            put(flat, alert.message());
            break;
        }
        case lt::add_torrent_alert::alert_type: {
            auto const& added_alert = as<lt::add_torrent_alert>(alert);
            key = key_of(added_alert.params.userdata);
            if (added_alert.error) session_->give_up(key);
            failed(added_alert.error ? add_failed : added, added_alert.error);
            break;
        }
        case lt::session_error_alert::alert_type: failed(session_error, as<lt::session_error_alert>(alert).error); break;
        case lt::cache_flushed_alert::alert_type: simple(flushed); break;
        case lt::performance_alert::alert_type: simple(performance); break;
        default: {
            // Nobody asks for its words.
            auto flat = event(other, key);
            flat.a = alert.type();
            put(flat, std::string());
        }
    }
}

}  // namespace revaer

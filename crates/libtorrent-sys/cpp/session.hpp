// The bridge to libtorrent: one session, keyed by numbers of ours, and one pump for its alerts.
//
// Thin and total: each function does one thing of libtorrent's and turns every exception into one of ours. It does not
// decide anything.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <shared_mutex>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include <libtorrent/session.hpp>
#include <libtorrent/torrent_handle.hpp>
#include <libtorrent/version.hpp>

#include "rust/cxx.h"

#include "libtorrent-sys/cpp/failure.hpp"

static_assert(LIBTORRENT_VERSION_NUM >= 20008, "libtorrent 2.0.8 or newer is needed");

namespace revaer {

struct RawSetting;
struct RawAdd;
struct RawStatus;
struct RawEvent;
struct RawFile;
struct RawTracker;
struct RawPeer;
struct RawMetainfo;
struct RawMagnet;
struct RawRange;
struct RawMetric;
class LocalPeers;

class Session {
public:
    Session(rust::Slice<RawSetting const> settings, rust::Slice<std::uint8_t const> state, int event_fd);
    ~Session();

    // The session itself: session.cpp.
    void apply_settings(rust::Slice<RawSetting const> settings) const;
    std::int64_t int_setting(rust::Str name) const;
    bool bool_setting(rust::Str name) const;
    rust::String text_setting(rust::Str name) const;
    rust::Vec<std::uint8_t> save_state() const;
    void limit_local_peers(bool on) const;
    void reconnect_local_peers() const;
    void set_ip_filter(rust::Slice<RawRange const> blocked) const;
    void post_updates() const;
    void post_stats() const;
    void post_status(std::uint64_t key) const;
    void post_all_status() const;
    std::uint16_t listen_port() const;
    void shutdown() const;

    // One torrent: torrent.cpp.
    rust::Vec<std::uint8_t> add(std::uint64_t key, RawAdd const& torrent) const;
    void remove(std::uint64_t key, bool delete_files) const;
    void set_flags(std::uint64_t key, std::uint64_t flags, std::uint64_t mask) const;
    void set_file_priorities(std::uint64_t key, rust::Slice<std::uint8_t const> priorities) const;
    void set_piece_priorities(std::uint64_t key, rust::Slice<std::uint8_t const> priorities) const;
    void set_limits(std::uint64_t key, std::int32_t download, std::int32_t upload) const;
    void set_slots(std::uint64_t key, std::int32_t connections_max, std::int32_t upload_slots_max) const;
    void reannounce(std::uint64_t key) const;
    void recheck(std::uint64_t key) const;
    void clear_error(std::uint64_t key) const;
    void move_storage(std::uint64_t key, rust::Str path) const;
    void save_resume_data(std::uint64_t key, std::uint8_t how) const;
    void flush(std::uint64_t key) const;
    void connect_peer(std::uint64_t key, rust::Str address) const;
    RawStatus status(std::uint64_t key) const;
    rust::Vec<RawFile> files(std::uint64_t key) const;
    rust::Vec<std::uint64_t> file_progress(std::uint64_t key) const;
    rust::Vec<std::uint8_t> file_priorities(std::uint64_t key) const;
    rust::Vec<std::uint8_t> piece_priorities(std::uint64_t key) const;
    std::uint32_t piece_length(std::uint64_t key) const;
    rust::Vec<RawTracker> trackers(std::uint64_t key) const;
    rust::Vec<RawPeer> peers(std::uint64_t key) const;
    rust::Vec<std::uint8_t> metainfo(std::uint64_t key) const;

    // For the pump. Runs a function with the session, which does not end before it returns: alerts die with it.
    template <typename Function>
    auto with_session(Function&& function) const {
        return guarded([&] {
            if (closing_) throw Failure("session", 1, "the session was shut down");
            std::shared_lock<std::shared_mutex> const alive(life_);
            if (!session_) throw Failure("session", 1, "the session was shut down");
            return function(*session_);
        });
    }
    // Torrents whose state was asked for one by one since the last call.
    std::vector<lt::torrent_status> take_asked(lt::session& session) const;
    // The key of a torrent whose files libtorrent has done deleting; by then its handle knows nothing.
    std::uint64_t take_leaving(lt::info_hash_t const& hashes) const;

private:
    template <typename Function>
    auto with_torrent(std::uint64_t key, Function&& function) const {
        return with_session([&](lt::session&) { return function(handle(key)); });
    }
    lt::torrent_handle handle(std::uint64_t key) const;
    void reserve(std::uint64_t key) const;
    void wake() const;

    int const event_fd_;
    std::shared_ptr<LocalPeers> const local_peers_;
    // Held shared by every call, and exclusively by the one that ends the session. libtorrent's own calls are thread-safe.
    mutable std::shared_mutex life_;
    mutable std::mutex ending_;
    // Set before the end waits for the calls that run: a lock that is always shared by somebody is never had alone.
    mutable std::atomic<bool> closing_{false};
    mutable std::unique_ptr<lt::session> session_;

    // Guards what follows; never held while libtorrent is asked something.
    mutable std::mutex keys_;
    mutable std::unordered_map<std::uint64_t, lt::torrent_handle> handles_;
    mutable std::map<lt::sha1_hash, std::uint64_t> leaving_;
    mutable std::unordered_set<std::uint64_t> asked_;
    mutable bool asked_all_ = false;
};

class Pump {
public:
    explicit Pump(std::shared_ptr<Session> session);
    ~Pump();

    void pump();
    rust::Slice<RawStatus const> statuses() const;
    rust::Slice<RawEvent const> events() const;
    rust::Slice<std::uint8_t const> arena() const;
    rust::Slice<std::int64_t const> stats() const;
    bool dropped() const { return dropped_; }

private:
    void clear();
    void take(lt::alert const& alert);
    void put_status(lt::torrent_status const& status);
    RawEvent event(std::uint8_t kind, std::uint64_t key) const;
    void put(RawEvent event, std::string const& text, char const* path = "", lt::error_code const* error = nullptr);

    std::shared_ptr<Session> session_;
    std::vector<lt::alert*> alerts_;
    std::vector<RawStatus> statuses_;
    std::vector<RawEvent> events_;
    std::vector<std::uint8_t> arena_;
    std::vector<std::int64_t> stats_;
    bool dropped_ = false;
};

std::shared_ptr<Session> session_start(
    rust::Slice<RawSetting const> settings, rust::Slice<std::uint8_t const> state, std::int32_t event_fd);
std::unique_ptr<Pump> pump_of(std::shared_ptr<Session> const& session);
rust::Vec<RawMetric> stats_metrics();
rust::String version();
rust::String header_version();
rust::String default_text(rust::Str name);

// parse.cpp
RawMetainfo parse_metainfo(rust::Slice<std::uint8_t const> body, std::int32_t bytes_max, std::int32_t pieces_max,
    std::int32_t depth_max, std::int32_t tokens_max);
RawMagnet parse_magnet(rust::Str uri);
rust::String make_magnet(rust::Slice<std::uint8_t const> metainfo);

// create.cpp
rust::Vec<std::uint8_t> create_metainfo(rust::Str path, std::uint8_t format, std::int32_t piece_length,
    rust::Slice<rust::String const> trackers, bool private_torrent);

}  // namespace revaer

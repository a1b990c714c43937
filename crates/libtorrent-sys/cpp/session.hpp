// The bridge to libtorrent: one session, keyed by numbers of ours, and one pump for its alerts.
//
// Thin and total: each function does one thing of libtorrent's and turns every exception into one of ours. It does not
// decide anything.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <unordered_map>
#include <vector>

#include <libtorrent/session.hpp>
#include <libtorrent/torrent_handle.hpp>
#include <libtorrent/torrent_status.hpp>
#include <libtorrent/version.hpp>

#include "rust/cxx.h"

static_assert(LIBTORRENT_VERSION_NUM >= 20008, "libtorrent 2.0.8 or newer is needed");

namespace revaer {

namespace lt = libtorrent;

struct RawSetting;
struct RawAdd;
struct RawStatus;
struct RawEvent;
struct RawFile;
struct RawTracker;
struct RawPeer;
struct RawMetainfo;
struct RawMagnet;
struct RawMetric;

// What crosses: category, code and message, apart by the unit separator.
std::runtime_error failure(lt::error_code const& error);
std::runtime_error failure(char const* category, int code, std::string const& message);

// Runs a function and turns whatever it throws into a failure.
template <typename Function>
auto guarded(Function&& function) -> decltype(function()) {
    try {
        return function();
    } catch (lt::system_error const& error) {
        throw failure(error.code());
    } catch (std::runtime_error const& error) {
        std::string const what = error.what();
        if (what.find('\x1f') != std::string::npos) throw;
        throw failure("c++", 0, what);
    } catch (std::exception const& error) {
        throw failure("c++", 0, error.what());
    } catch (...) {
        throw failure("c++", 0, "unknown exception");
    }
}

rust::String text_of(std::string const& text);
std::uint64_t key_of(lt::client_data_t data);
RawStatus flat(lt::torrent_status const& status);

class Session {
public:
    Session(rust::Slice<RawSetting const> settings, rust::Slice<std::uint8_t const> state, int event_fd);
    ~Session();

    void apply_settings(rust::Slice<RawSetting const> settings) const;
    std::int64_t int_setting(rust::Str name) const;
    rust::Vec<std::uint8_t> save_state() const;
    void limit_local_peers(bool on) const;
    void add(std::uint64_t key, RawAdd const& torrent) const;
    void remove(std::uint64_t key, bool delete_files) const;
    void set_flags(std::uint64_t key, std::uint64_t flags, std::uint64_t mask) const;
    void set_file_priorities(std::uint64_t key, rust::Slice<std::uint8_t const> priorities) const;
    void set_limits(std::uint64_t key, std::int32_t download, std::int32_t upload) const;
    void reannounce(std::uint64_t key) const;
    void recheck(std::uint64_t key) const;
    void clear_error(std::uint64_t key) const;
    void move_storage(std::uint64_t key, rust::Str path) const;
    void save_resume_data(std::uint64_t key, std::uint8_t how) const;
    void connect_peer(std::uint64_t key, rust::Str address) const;
    void post_updates() const;
    void post_stats() const;
    std::uint16_t listen_port() const;
    RawStatus status(std::uint64_t key) const;
    rust::Vec<RawFile> files(std::uint64_t key) const;
    rust::Vec<std::uint64_t> file_progress(std::uint64_t key) const;
    rust::Vec<std::uint8_t> file_priorities(std::uint64_t key) const;
    rust::Vec<RawTracker> trackers(std::uint64_t key) const;
    rust::Vec<RawPeer> peers(std::uint64_t key) const;
    rust::Vec<std::uint8_t> metainfo(std::uint64_t key) const;
    void shutdown() const;

    void pop_alerts(std::vector<lt::alert*>& alerts) const;

private:
    lt::session& live() const;
    lt::torrent_handle handle(std::uint64_t key) const;

    // Guards the map and the end of the session; libtorrent's own calls are thread-safe.
    mutable std::mutex mutex_;
    mutable std::unique_ptr<lt::session> session_;
    mutable std::unordered_map<std::uint64_t, lt::torrent_handle> handles_;
};

class Pump {
public:
    explicit Pump(std::shared_ptr<Session> session) : session_(std::move(session)) {}

    void pump();
    rust::Slice<RawStatus const> statuses() const;
    rust::Slice<RawEvent const> events() const;
    rust::Slice<std::uint8_t const> arena() const;
    rust::Slice<std::int64_t const> stats() const;
    bool dropped() const { return dropped_; }

private:
    void take(lt::alert const& alert);
    RawEvent event(lt::alert const& alert, std::uint8_t kind, std::uint64_t key);
    void put_text(RawEvent& event, std::string const& text);
    void put_error(RawEvent& event, lt::error_code const& error);

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
RawMetainfo parse_metainfo(rust::Slice<std::uint8_t const> body, std::int32_t bytes_max, std::int32_t pieces_max,
    std::int32_t depth_max, std::int32_t tokens_max);
RawMagnet parse_magnet(rust::Str uri);
rust::String make_magnet(rust::Slice<std::uint8_t const> metainfo);
rust::Vec<std::uint8_t> create_metainfo(rust::Str path, std::uint8_t format, std::int32_t piece_length,
    rust::Slice<rust::String const> trackers, bool private_torrent);

rust::Vec<RawFile> flat(lt::file_storage const& files);
lt::span<char const> bytes(rust::Slice<std::uint8_t const> slice);
rust::Vec<std::uint8_t> vec(std::vector<char> const& buffer);

}  // namespace revaer

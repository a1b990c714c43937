// Conversions alone: no session is touched here.
#include "libtorrent-sys/cpp/flat.hpp"

#include <algorithm>

#include <libtorrent/torrent_handle.hpp>

#include "libtorrent-sys/src/ffi.rs.h"

namespace revaer {

namespace {

std::uint64_t count(std::int64_t number) { return std::uint64_t(std::max<std::int64_t>(number, 0)); }

}  // namespace

// The text is made UTF-8 here: cxx takes `what()` for it without looking.
Failure::Failure(char const* category, int code, std::string const& message)
    : std::runtime_error(std::string(text_of(std::string(category) + '\x1f' + std::to_string(code) + '\x1f' + message))) {}

Failure::Failure(lt::error_code const& error) : Failure(error.category().name(), error.value(), error.message()) {}

lt::client_data_t data_of(std::uint64_t key) { return lt::client_data_t(reinterpret_cast<key_tag*>(key)); }

std::uint64_t key_of(lt::client_data_t data) { return reinterpret_cast<std::uint64_t>(data.get<key_tag>()); }

std::string string_of(rust::Str text) { return std::string(text.data(), text.size()); }

std::string path_of(rust::Str text) {
    std::string path = string_of(text);
    if (path.find('\0') != std::string::npos) throw Failure("path", 1, "the path contains a NUL");
    return path;
}

rust::String text_of(std::string const& text) { return rust::String::lossy(text); }

lt::span<char const> bytes(rust::Slice<std::uint8_t const> slice) {
    return {reinterpret_cast<char const*>(slice.data()), std::ptrdiff_t(slice.size())};
}

lt::span<char const> bytes(rust::Vec<std::uint8_t> const& body) {
    return {reinterpret_cast<char const*>(body.data()), std::ptrdiff_t(body.size())};
}

rust::Vec<std::uint8_t> vec(std::vector<char> const& buffer) {
    rust::Vec<std::uint8_t> out;
    out.reserve(buffer.size());
    for (char const c : buffer) out.push_back(std::uint8_t(c));
    return out;
}

std::string text_of_endpoint(lt::tcp::endpoint const& endpoint) {
    auto const address = endpoint.address().to_string();
    return (endpoint.address().is_v6() ? "[" + address + "]" : address) + ":" + std::to_string(endpoint.port());
}

lt::tcp::endpoint endpoint_of(std::string const& text) {
    auto const colon = text.rfind(':');
    if (colon == std::string::npos) throw Failure("address", 1, "`" + text + "` is not address:port");
    std::string host = text.substr(0, colon);
    if (host.size() > 1 && host.front() == '[' && host.back() == ']') host = host.substr(1, host.size() - 2);
    lt::error_code error;
    auto const address = lt::make_address(host, error);
    if (error) throw Failure(error);
    return {address, std::uint16_t(std::stoul(text.substr(colon + 1)))};
}

std::vector<lt::download_priority_t> priorities_of(rust::Slice<std::uint8_t const> priorities) {
    std::vector<lt::download_priority_t> list;
    list.reserve(priorities.size());
    for (auto const priority : priorities) {
        if (priority > 7) throw Failure("priority", 1, "a file priority is at most 7");
        list.push_back(lt::download_priority_t(priority));
    }
    return list;
}

RawStatus flat(lt::torrent_status const& status) {
    RawStatus flat{};
    flat.key = key_of(status.handle.userdata());
    flat.flags = std::uint64_t(status.flags);
    flat.state = std::uint8_t(status.state);
    flat.has_metadata = status.has_metadata;
    flat.is_finished = status.is_finished;
    flat.moving_storage = status.moving_storage;
    flat.need_save_resume = bool(status.need_save_resume);
    flat.progress_ppm = std::uint32_t(count(status.progress_ppm));
    flat.total_wanted = count(status.total_wanted);
    flat.total_wanted_done = count(status.total_wanted_done);
    flat.total_done = count(status.total_done);
    flat.all_time_download = count(status.all_time_download);
    flat.all_time_upload = count(status.all_time_upload);
    // What libtorrent calls the time of seeding is that with every file, wanted or not.
    flat.seeding_seconds = count(status.finished_duration.count());
    flat.payload_download_rate = count(status.download_payload_rate);
    flat.payload_upload_rate = count(status.upload_payload_rate);
    flat.peers = std::uint32_t(count(status.num_peers));
    flat.seeds = std::uint32_t(count(status.num_seeds));
    flat.pieces_have = std::uint32_t(count(status.num_pieces));
    flat.queue_position = int(status.queue_position);
    flat.error_code = status.errc ? status.errc.value() : 0;
    return flat;
}

rust::Vec<RawFile> flat(lt::file_storage const& files) {
    rust::Vec<RawFile> list;
    list.reserve(std::size_t(files.num_files()));
    for (auto const index : files.file_range()) {
        bool const pad = bool(files.file_flags(index) & lt::file_storage::flag_pad_file);
        list.push_back(RawFile{text_of(files.file_path(index)), count(files.file_size(index)),
            count(files.file_offset(index)), pad});
    }
    return list;
}

}  // namespace revaer

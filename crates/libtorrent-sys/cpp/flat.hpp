// What crosses, made of what libtorrent has: bytes, texts that are UTF-8, and flat structs.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <libtorrent/client_data.hpp>
#include <libtorrent/download_priority.hpp>
#include <libtorrent/file_storage.hpp>
#include <libtorrent/socket.hpp>
#include <libtorrent/span.hpp>
#include <libtorrent/torrent_status.hpp>

#include "rust/cxx.h"

#include "libtorrent-sys/cpp/failure.hpp"

namespace revaer {

struct RawStatus;
struct RawFile;

// The type behind our number in a torrent's user data; nobody looks there.
struct key_tag;

lt::client_data_t data_of(std::uint64_t key);
std::uint64_t key_of(lt::client_data_t data);

std::string string_of(rust::Str text);
// Refuses what the system would read as a shorter path.
std::string path_of(rust::Str text);
// Names and messages come from strangers and need not be UTF-8.
rust::String text_of(std::string const& text);

lt::span<char const> bytes(rust::Slice<std::uint8_t const> slice);
lt::span<char const> bytes(rust::Vec<std::uint8_t> const& body);
rust::Vec<std::uint8_t> vec(std::vector<char> const& buffer);

std::string text_of_endpoint(lt::tcp::endpoint const& endpoint);
lt::tcp::endpoint endpoint_of(std::string const& text);
std::vector<lt::download_priority_t> priorities_of(rust::Slice<std::uint8_t const> priorities);

RawStatus flat(lt::torrent_status const& status);
rust::Vec<RawFile> flat(lt::file_storage const& files);

}  // namespace revaer

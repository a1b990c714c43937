// Magnet URIs. libtorrent before 2.0.13 reads a hash that is not hexadecimal as far as it goes and takes zeros for the rest:
// the torrent that is then looked for is nobody's.
#include <algorithm>
#include <cctype>
#include <string>

#include <libtorrent/magnet_uri.hpp>

#include "libtorrent-sys/cpp/sources.hpp"

namespace revaer {

namespace {

constexpr std::string_view scheme = "magnet:?";
// Far beyond any list of trackers; whatever is in a URI is kept for as long as the torrent is.
constexpr std::size_t bytes_max = 64 * 1024;

bool is_hex(std::string_view text) {
    return std::all_of(text.begin(), text.end(), [](unsigned char byte) { return std::isxdigit(byte) != 0; });
}

bool starts_with(std::string_view text, std::string_view start) { return text.substr(0, start.size()) == start; }

// `xt`, `XT` or `xt.1`.
bool is_topic(std::string_view name) {
    auto const dot = std::min(name.find('.'), name.size());
    auto const number = name.substr(std::min(dot + 1, name.size()));
    bool const numbered = std::all_of(number.begin(), number.end(), [](unsigned char byte) { return std::isdigit(byte) != 0; });
    return numbered && dot == 2 && (name[0] | 0x20) == 'x' && (name[1] | 0x20) == 't';
}

// A broken escape stays as it is; libtorrent refuses it.
std::string unescaped(std::string_view text) {
    std::string plain;
    for (std::size_t at = 0; at < text.size(); ++at) {
        if (text[at] == '%' && at + 2 < text.size() && is_hex(text.substr(at + 1, 2))) {
            plain.push_back(char(std::stoi(std::string(text.substr(at + 1, 2)), nullptr, 16)));
            at += 2;
        } else {
            plain.push_back(text[at]);
        }
    }
    return plain;
}

bool is_readable(std::string const& topic) {
    if (starts_with(topic, "urn:btih:") && topic.size() == 9 + 40) return is_hex(std::string_view(topic).substr(9));
    if (starts_with(topic, "urn:btmh:")) return is_hex(std::string_view(topic).substr(9));
    // Base32 and lengths are libtorrent's to judge, and it does.
    return true;
}

}  // namespace

lt::add_torrent_params magnet_of(std::string_view uri) {
    if (uri.size() > bytes_max) throw Failure("magnet", 1, "the magnet URI is too long");
    auto rest = starts_with(uri, scheme) ? uri.substr(scheme.size()) : std::string_view();
    while (!rest.empty()) {
        auto const equals = std::min(rest.find('='), rest.size());
        auto const name = rest.substr(0, equals);
        rest.remove_prefix(std::min(equals + 1, rest.size()));
        auto const end = std::min(rest.find('&'), rest.size());
        if (is_topic(name) && !is_readable(unescaped(rest.substr(0, end))))
            throw Failure(lt::errors::make_error_code(lt::errors::invalid_info_hash));
        rest.remove_prefix(std::min(end + 1, rest.size()));
    }
    auto params = lt::parse_magnet_uri(lt::string_view(uri.data(), uri.size()));
    // A hash of zeros alone is none.
    if (!params.info_hashes.has_v1() && !params.info_hashes.has_v2())
        throw Failure(lt::errors::make_error_code(lt::errors::missing_info_hash_in_uri));
    return params;
}

}  // namespace revaer

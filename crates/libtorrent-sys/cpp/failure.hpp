// How an error crosses: one exception type whose text carries category, code and message.
//
// cxx hands over nothing but `what()`, so the three are joined by the unit separator and taken apart in src/error.rs.
#pragma once

#include <stdexcept>
#include <string>

#include <libtorrent/error_code.hpp>

namespace revaer {

namespace lt = libtorrent;

class Failure final : public std::runtime_error {
public:
    Failure(char const* category, int code, std::string const& message);
    explicit Failure(lt::error_code const& error);
};

// Runs a function and turns whatever it throws into a failure. Every exported function goes through it.
template <typename Function>
auto guarded(Function&& function) -> decltype(function()) {
    try {
        return function();
    } catch (Failure const&) {
        throw;
    } catch (lt::system_error const& error) {
        throw Failure(error.code());
    } catch (std::exception const& error) {
        throw Failure("c++", 0, error.what());
    } catch (...) {
        throw Failure("c++", 0, "unknown exception");
    }
}

}  // namespace revaer

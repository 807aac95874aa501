// The query of a URL (RFC 3986 3.4), written the way forms write it: "name=value&name&name=value".
//
// Names are compared as they stand. Values come as they stand, since most of them need no escapes; for those
// that do there is decode_percent(). A '+' is a plus: a space is %20. Nothing is copied or kept, and one pass
// is all it costs, so the bound is that of the request's header.
//
// Thread: pure functions.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace wgr {

// The value of the first parameter of that name, a view of `query`: empty where there is a name and no value,
// nothing where there is no such name.
std::optional<std::string_view> query_value(std::string_view query, std::string_view name) noexcept;

// RFC 3986 2.1: "%41" is "A". What is no escape stays as it is.
std::string decode_percent(std::string_view text);

}  // namespace wgr

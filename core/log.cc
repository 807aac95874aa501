#include "core/log.h"

#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdio>
#include <ctime>
#include <iterator>

namespace wgr::log {
namespace {

// A reload may change both while other threads write.
std::atomic<Level> g_level{Level::kInfo};
std::atomic<Format> g_format{Format::kText};

constexpr std::string_view kLevelNames[] = {"trace", "debug", "info", "warn", "error"};

// Escapes for a JSON string; text format uses the same quoting where a value needs quotes.
void append_escaped(std::string& line, std::string_view text) {
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      line += '\\';
      line += c;
    } else if (c == '\n') {
      line += "\\n";
    } else if (byte < 0x20 || byte == 0x7f) {
      char code[8];
      std::snprintf(code, sizeof code, "\\u%04x", byte);
      line += code;
    } else {
      line += c;
    }
  }
}

void append_quoted(std::string& line, std::string_view text) {
  line += '"';
  append_escaped(line, text);
  line += '"';
}

void append_time(std::string& line) {
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  std::tm utc{};
  gmtime_r(&now.tv_sec, &utc);
  char text[40];
  const std::size_t length = std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &utc);
  line.append(text, length);
  std::snprintf(text, sizeof text, ".%03ldZ", now.tv_nsec / 1'000'000);
  line += text;
}

bool needs_quotes(std::string_view value) {
  return value.empty() || value.find_first_of(" \"\\=\n\t") != std::string_view::npos;
}

std::string format_text(Level level, std::string_view message, Fields fields) {
  std::string line;
  append_time(line);
  line += ' ';
  line += kLevelNames[static_cast<std::size_t>(level)];
  line += ' ';
  append_escaped(line, message);
  for (const Field& field : fields) {
    line += ' ';
    line += field.key;
    line += '=';
    if (field.is_quoted && needs_quotes(field.value)) {
      append_quoted(line, field.value);
    } else {
      line += field.value;
    }
  }
  return line += '\n';
}

std::string format_json(Level level, std::string_view message, Fields fields) {
  std::string line = "{\"time\":\"";
  append_time(line);
  line += "\",\"level\":\"";
  line += kLevelNames[static_cast<std::size_t>(level)];
  line += "\",\"msg\":";
  append_quoted(line, message);
  for (const Field& field : fields) {
    line += ',';
    append_quoted(line, field.key);
    line += ':';
    if (field.is_quoted) {
      append_quoted(line, field.value);
    } else {
      line += field.value;
    }
  }
  return line += "}\n";
}

// A log that cannot be written must not stop the router: the result is deliberately unused.
void write_out(const std::string& line) {
  ssize_t written;
  do written = ::write(STDERR_FILENO, line.data(), line.size());
  while (written < 0 && errno == EINTR);
}

}  // namespace

std::optional<Level> parse_level(std::string_view text) {
  if (text == "warning") return Level::kWarn;
  for (std::size_t i = 0; i < std::size(kLevelNames); ++i) {
    if (text == kLevelNames[i]) return static_cast<Level>(i);
  }
  return std::nullopt;
}

void configure(Level level, Format format) {
  g_level.store(level, std::memory_order_relaxed);
  g_format.store(format, std::memory_order_relaxed);
}

bool is_enabled(Level level) noexcept { return level >= g_level.load(std::memory_order_relaxed); }

void write(Level level, std::string_view message, Fields fields) {
  if (!is_enabled(level)) return;
  write_out(g_format.load(std::memory_order_relaxed) == Format::kJson ? format_json(level, message, fields)
                                                                      : format_text(level, message, fields));
}

void write_line(std::string_view line) {
  std::string whole{line};
  write_out(whole += '\n');
}

}  // namespace wgr::log

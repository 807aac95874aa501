// The program: reads the command line, runs one command, turns exceptions into sentences and exit codes.
//   0 done   1 failed   2 the command line or the configuration has problems
#include <exception>
#include <iostream>
#include <string_view>
#include <vector>

#include "cmd/router.h"
#include "cmd/wgrouter/commands.h"
#include "cmd/wgrouter/healthcheck.h"
#include "cmd/wgrouter/options.h"
#include "core/io/hangup.h"
#include "core/log.h"
#include "core/secret.h"

namespace wgr {
namespace {

constexpr int kFailed = 1;
constexpr int kBadConfiguration = 2;

int run(const ConfigSource& source) {
  io::hold_hangups();
  Config config = source.load();
  log::configure(config.log.level, config.log.format);
  for (const Notice& notice : config.notices) log::write(notice.level, notice.text);
  if (config.first_start) {
    FirstStart& first = *config.first_start;
    log::info(
        first.is_new ? "made a key and a first client" : "using the key and the client of an earlier start",
        {{"folder", first.folder}});
    std::cout << first.client_conf << std::flush;
    erase_memory(first.client_conf.data(), first.client_conf.size());
    first.client_conf.clear();
  }
  return run_router(std::move(config), source);
}

int dispatch(const Options& options) {
  const ConfigSource source{options.places};
  switch (options.command) {
    case Command::kRun:
      return run(source);
    case Command::kGenkey:
      return print_new_private_key(std::cout);
    case Command::kPubkey:
      return print_public_key(std::cin, std::cout, std::cerr);
    case Command::kGenpsk:
      return print_new_preshared_key(std::cout);
    case Command::kCheckConfig:
      return check_config(source, std::cout);
    case Command::kPrintConfig:
      return print_config(source, std::cout);
    case Command::kHealthcheck:
      return run_healthcheck(options.url, source, std::cout);
    case Command::kVersion:
      return print_version(options.is_json ? VersionFormat::kJson : VersionFormat::kText, std::cout);
    case Command::kHelp:
      std::cout << help_text() << std::flush;
      return std::cout ? 0 : kFailed;
  }
  return kFailed;
}

int guarded_main(const std::vector<std::string_view>& arguments) {
  try {
    harden_process();
    return dispatch(parse_options(arguments, read_environment()));
  } catch (const ConfigError& error) {
    for (const std::string& problem : error.problems()) std::cerr << problem << '\n';
    return kBadConfiguration;
  } catch (const UsageError& error) {
    std::cerr << "wgrouter: " << error.what() << '\n';
    return kBadConfiguration;
  } catch (const std::exception& error) {
    std::cerr << "wgrouter: " << error.what() << '\n';
    return kFailed;
  }
}

}  // namespace
}  // namespace wgr

int main(int argc, char** argv) { return wgr::guarded_main({argv + (argc > 0 ? 1 : 0), argv + argc}); }

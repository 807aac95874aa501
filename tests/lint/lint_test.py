"""The lints see what they forbid, and only that."""

import json
import pathlib
import re
import shutil
import tempfile
import unittest

import check_includes
import check_text
import image
import tidy
import tree


def includes(path, text):
    return [fault for _, fault in check_includes.check(path, "#pragma once\n" + text)]


def text_faults(path, text):
    return [fault for _, fault in check_text.check(path, text.encode())]


class IncludesTest(unittest.TestCase):
    def test_an_edge_between_protocol_modules_is_refused(self):
        self.assertTrue(includes("slirp/x.h", '#include "wireguard/config.h"\n'))
        self.assertFalse(includes("slirp/x.h", '#include "core/time.h"\n'))

    def test_asio_is_for_shells(self):
        self.assertTrue(includes("wireguard/peer.h", "#include <boost/asio/post.hpp>\n"))
        self.assertFalse(includes("wireguard/udp_port.h", "#include <boost/asio/post.hpp>\n"))

    def test_cryptographic_libraries_have_named_users(self):
        self.assertTrue(includes("wireguard/peer.cc", "#include <openssl/aead.h>\n"))
        self.assertFalse(includes("wireguard/crypto.cc", "#include <openssl/aead.h>\n"))

    def test_a_core_reads_no_clock(self):
        self.assertTrue(includes("slirp/tcp/sender.cc", "auto now = Clock::now();\n"))
        self.assertFalse(includes("slirp/tcp_bridge.cc", "auto now = Clock::now();\n"))

    def test_a_lock_outside_core_io_is_refused(self):
        self.assertTrue(includes("slirp/stack.cc", "std::mutex m;\n"))

    def test_the_environment_is_read_in_one_place(self):
        self.assertTrue(includes("core/log.cc", 'auto* v = std::getenv("X");\n'))
        self.assertFalse(includes("cmd/config_env.cc", 'auto* v = std::getenv("X");\n'))

    def test_comments_and_strings_are_not_code(self):
        self.assertFalse(includes("slirp/x.cc", '// std::mutex\nauto s = "std::mutex"; /* Clock::now() */\n'))

    def test_a_digit_separator_does_not_open_a_literal(self):
        self.assertIn("std::mutex", tree.code_of("int a = 1'000; std::mutex b; int c = 2'000;"))

    def test_a_missing_file_is_named(self):
        self.assertTrue(includes("core/x.h", '#include "core/absent.h"\n'))


class ImageTest(unittest.TestCase):
    DOCKERFILE = (
        "FROM base AS build\nRUN apt-get install --yes compiler\n"
        "FROM base\nRUN apt-get update \\\n    && apt-get install --yes \\\n"
        "       ca-certificates libyaml \\\n    && rm -rf /lists\n"
    )

    def faults(self, needed):
        return list(image.compare(needed, image.packages_installed(self.DOCKERFILE)))

    def test_only_the_last_stage_counts(self):
        self.assertEqual(image.packages_installed(self.DOCKERFILE), {"ca-certificates", "libyaml"})

    def test_what_the_program_needs_is_enough(self):
        self.assertEqual(self.faults({"libc6", "libyaml"}), [])

    def test_a_missing_library_is_named(self):
        self.assertIn("libprometheus", self.faults({"libyaml", "libprometheus"})[0])

    def test_a_library_that_nobody_needs_is_named(self):
        self.assertIn("libyaml", self.faults({"libc6"})[0])

    def test_the_authorities_are_part_of_the_image(self):
        self.assertIn("ca-certificates", list(image.compare(set(), set()))[0])


class TextTest(unittest.TestCase):
    def test_a_path_of_one_machine_is_refused(self):
        self.assertTrue(text_faults("a.md", "see /wor" + "k/tree\n"))
        self.assertTrue(text_faults("a.sh", "cd /roo" + "t\n"))
        self.assertFalse(text_faults("a.sh", "cd ./work/root\n"))

    def test_an_unowned_promise_is_refused(self):
        self.assertTrue(text_faults("core/a.cc", "// TO" + "DO: later\n"))

    def test_the_last_line_ends(self):
        self.assertTrue(text_faults("core/a.cc", "int a;"))
        self.assertFalse(text_faults("core/a.cc", "int a;\n"))


@unittest.skipUnless(shutil.which("clang-tidy-19"), "clang-tidy-19 is not installed")
class TidyTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = pathlib.Path(folder.name).resolve()
        (self.root / "core").mkdir()
        (self.root / "build").mkdir()
        shutil.copy(tree.ROOT / ".clang-tidy", self.root)

    def tidied(self, **texts):
        entries = []
        for name, text in texts.items():
            path = self.root / "core" / f"{name}.cc"
            path.write_text(text, encoding="utf-8")
            entries.append({"directory": str(self.root), "file": str(path),
                            "arguments": ["clang++-19", "-std=c++20", f"-I{self.root}", "-c", str(path)]})
        database = self.root / "build" / "compile_commands.json"
        database.write_text(json.dumps(entries), encoding="utf-8")
        return tidy.run("clang-tidy-19", database, [f"core/{name}.cc" for name in texts], 2, self.root)

    def units(self):
        return sorted(len(re.findall(r"int [abc]\(", path.read_text())) for path in (self.root / "build" / "tidy").glob("*.cc"))

    def test_sources_share_a_unit(self):
        self.assertEqual((True, ""), self.tidied(a="int a() { return 1; }\n", b="int b() { return 2; }\n"))
        self.assertEqual([2], self.units())

    def test_sources_with_a_helper_of_one_name_are_put_apart(self):
        text = "namespace {\nint helper() { return 1; }\n}  // namespace\nint %s() { return helper(); }\n"
        self.assertEqual((True, ""), self.tidied(a=text % "a", b=text % "b", c="int c() { return 3; }\n"))
        self.assertEqual([1, 2], self.units())

    def test_a_finding_names_its_source(self):
        good, output = self.tidied(a="int a() { return 1; }\n", b="int* b() { return 0; }\n")
        self.assertFalse(good)
        self.assertIn("core/b.cc:1:19: error: use nullptr", output)

    def test_the_analyzer_enters_every_source(self):
        good, output = self.tidied(a="int a() { return 1; }\n",
                                   b="int b(bool is) {\n  int* p = nullptr;\n  if (is) return 1;\n  return *p;\n}\n")
        self.assertFalse(good)
        self.assertIn("core/b.cc:4", output)

    def test_what_does_not_compile_is_a_finding(self):
        good, output = self.tidied(a="int a() { return nothing; }\n")
        self.assertFalse(good)
        self.assertIn("nothing", output)


if __name__ == "__main__":
    unittest.main()

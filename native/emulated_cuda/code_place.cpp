#include "code_place.h"

#include <dlfcn.h>
#include <link.h>

#include <array>
#include <cstdio>
#include <memory>

#include "failure.h"

namespace halfspace::emulated {
namespace {

struct Module {
  std::string path;
  uintptr_t base;
};

Module module_of(const void* code) {
  Dl_info info = {};
  link_map* map = nullptr;
  if (!dladdr1(code, &info, reinterpret_cast<void**>(&map), RTLD_DL_LINKMAP)) return {"", 0};
  return {info.dli_fname, map->l_addr};
}

std::string output_of(const std::string& command) {
  std::string output;
  std::unique_ptr<FILE, int (*)(FILE*)> pipe(popen(command.c_str(), "r"), pclose);
  std::array<char, 512> line;
  while (pipe && std::fgets(line.data(), line.size(), pipe.get())) output += line.data();
  return output;
}

// A function's parameters say nothing that its name does not.
std::string shortened(const std::string& answer) {
  size_t at = answer.rfind(" at ");
  std::string function = answer.substr(0, at);
  std::string place = answer.substr(at + 4);
  size_t parameters = function.rfind('(');
  if (parameters != std::string::npos && parameters > 0 &&
      function.compare(parameters, 10, "(anonymous") != 0) {
    function.resize(parameters);
  }
  size_t slash = place.rfind('/');
  if (slash != std::string::npos) place = place.substr(slash + 1);
  return function + " at " + place.substr(0, place.find_first_of(" \n"));
}

}  // namespace

std::string describe_code(const void* code) {
  Module module = module_of(code);
  // The address is that of a return; the call before it is meant.
  uintptr_t offset = reinterpret_cast<uintptr_t>(code) - module.base - 1;
  std::ostringstream command;
  command << "addr2line -C -f -p -e '" << module.path << "' 0x" << std::hex << offset
          << " 2>/dev/null";
  std::string answer = output_of(command.str());
  if (answer.find(" at ") != std::string::npos && answer.find("??") == std::string::npos) {
    return shortened(answer);
  }
  std::ostringstream plain;
  plain << "code at " << module.path << "+0x" << std::hex << offset;
  return plain.str();
}

}  // namespace halfspace::emulated

// What earlier searches found to be the fastest, by device, library and shape. On disk, since a search
// takes seconds: a file of lines `key<TAB>algorithm math`, which only grows. Lines that cannot be read
// are passed over and named once.
#pragma once

#include <map>
#include <optional>
#include <string>

namespace halfspace::cuda {

// Numbers of cuDNN's enumerations.
struct AlgorithmChoice {
  int algorithm;
  int math;

  bool operator==(const AlgorithmChoice&) const = default;
};

// Where the library has nothing that will do.
inline constexpr AlgorithmChoice kNoAlgorithm{-1, 0};

class AlgorithmCache {
 public:
  // Reads `path`, which need not exist. An empty one keeps all in memory.
  explicit AlgorithmCache(std::string path);

  std::optional<AlgorithmChoice> find(const std::string& key) const;
  void add(const std::string& key, AlgorithmChoice choice);

 private:
  void read();

  std::string path_;
  std::map<std::string, AlgorithmChoice> choices_;
};

// `halfspace/cuda-algorithms` in the user's cache directory; empty where the user has none.
std::string algorithm_cache_path();

}  // namespace halfspace::cuda

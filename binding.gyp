# node-gyp builds nothing itself: it runs the one CMake build, which decides what is stale (the
# output named here is never made, so the action always runs).
{
  'targets': [
    {
      'target_name': 'halfspace',
      'type': 'none',
      'actions': [
        {
          'action_name': 'cmake_js',
          'message': 'Building the addon through cmake-js',
          'inputs': ['CMakeLists.txt'],
          'outputs': ['<(PRODUCT_DIR)/.always-run-cmake'],
          'action': ['node', 'native/gyp/cmake-js.cjs', '<(CONFIGURATION_NAME)', '<(PRODUCT_DIR)'],
        },
      ],
    },
  ],
}

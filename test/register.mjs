// ava runs tests in worker threads, where `--import=tsx` alone does not register.
import { register } from 'tsx/esm/api';

register();

import { register } from 'node:module';
import '../register.mjs';

register('./hooks.mjs', import.meta.url);

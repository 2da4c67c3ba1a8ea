import { IsNumber, IsString, Matches } from 'class-validator';

/** Body of the routes, and payload of the topic. */
export class Measurement {
  /** Region and number: `north-7`. */
  @IsString()
  @Matches(/^[a-z]+-\d+$/)
  sensor!: string;

  @IsNumber()
  celsius!: number;
}

import { IsNumber, IsString } from 'class-validator';

export class Measurement {
  @IsString()
  id!: string;

  @IsString()
  sensor!: string;

  @IsNumber()
  celsius!: number;
}
